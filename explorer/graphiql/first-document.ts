// What a newcomer finds in the editor: one question that crosses every store.

export const firstDocument = `# Ctrl-Enter runs the document; hover over a field to read what it means and costs.
# This one asks: which incidents are open, what do they affect, and what hangs on that?

query OpenIncidentsAndWhatTheyImpact {
  incidents(first: 5, filter: { state: { in: [NEW, IN_PROGRESS, ON_HOLD] } }) {
    edges {
      node {
        number
        title
        priority
        configurationItems(first: 10) {
          edges {
            node {
              name
              status
              dependents(depth: 3) {
                nodes {
                  depth
                  item {
                    name
                    criticality
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
`;

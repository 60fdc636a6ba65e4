namespace Sluice.Topologies;

/// <summary>Validates graphs, and reports problems by name and path.</summary>
internal static class TopologyCheck
{
    /// <summary>Resolves the ends of all edges. Unknown ends are added to the problems; then the arrays are invalid.</summary>
    internal static (int[] From, int[] To) Resolve(
        List<TopologyBuilder.Draft> drafts, string[] names, List<TopologyBuilder.DraftEdge> edges, bool ofCalls, List<string> problems)
    {
        var from = new int[edges.Count];
        var to = new int[edges.Count];
        Dictionary<string, int>? byName = null;
        for (var i = 0; i < from.Length; i++)
        {
            var edge = edges[i];
            from[i] = edge.FromName is null ? Known(edge.From) : Named(edge.FromName, ofCalls
                ? $"'{edge.ToName}' depends on '{edge.FromName}', which this graph does not have: it was added to another graph, or "
                + "removed."
                : $"the edge to \"{edge.ToName}\" comes from it");
            to[i] = edge.ToName is null ? Known(edge.To) : Named(edge.ToName, $"the edge from \"{edge.FromName}\" leads to it");
        }

        return (from, to);

        int Known(int id)
        {
            if (id >= 0 && id < drafts.Count) return id;
            problems.Add($"An edge refers to node number {id}, but the graph has {drafts.Count} nodes. Add the node before building.");
            return 0;
        }

        int Named(string name, string use)
        {
            byName ??= IndexNames(names);
            if (byName.TryGetValue(name, out var id)) return id;
            problems.Add(ofCalls ? use
                : $"{NearNames.Explain("node", name, byName.Keys, comparesAll: problems.Count < InvalidTopologyException.Shown)[..^1]} "
                + $"({use}). Add it, or correct the reference.");
            return 0;
        }
    }

    /// <summary>Validates a graph whose references are resolved.</summary>
    internal static void Check(
        List<TopologyBuilder.Draft> drafts,
        string[] names,
        List<TopologyBuilder.DraftEdge> edges,
        Adjacency adjacency,
        bool open,
        bool ofCalls,
        List<string> problems)
    {
        // An edge that names one of several nodes leads to the first of them, so a cycle or a free end may be none.
        if (AddDuplicates(drafts, names, adjacency, ofCalls, problems)
            && edges.Exists(static edge => edge.FromName is not null || edge.ToName is not null)) return;
        foreach (var cycle in Cycles.Find(adjacency))
            problems.Add($"The graph has a cycle: {Cycles.Describe(cycle, names)}. " + (ofCalls
                ? "These nodes would wait for each other for ever; remove one of the dependencies."
                : "Items would go round for ever; remove one of the edges."));
        if (!open) AddUnconnected(drafts, names, edges, adjacency, problems);
    }

    /// <returns>Whether there are any.</returns>
    private static bool AddDuplicates(List<TopologyBuilder.Draft> drafts, string[] names, Adjacency adjacency, bool ofCalls,
        List<string> problems)
    {
        int known = problems.Count;
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < drafts.Count; id++)
        {
            if (drafts[id].Name is not { } given || first.TryAdd(given, id)) continue;
            problems.Add(ofCalls ? $"Two nodes were given the name \"{given}\". Rename one of them."
                : $"Two nodes were given the name \"{given}\": {PathTo(first[given], names, adjacency)}, and "
                + $"{PathTo(id, names, adjacency)}. Given names must be unique: rename one of them. "
                + "Where one piece is used twice, name each use, 'piece | Stage.Named(…)', or leave the name out.");
        }
        return problems.Count > known;
    }

    private static void AddUnconnected(
        List<TopologyBuilder.Draft> drafts,
        string[] names,
        List<TopologyBuilder.DraftEdge> edges,
        Adjacency adjacency,
        List<string> problems)
    {
        for (var id = 0; id < drafts.Count; id++)
        {
            var draft = drafts[id];
            if (draft.Input is { } input && adjacency.Incoming(id).IsEmpty)
                problems.Add($"Nothing is connected to the input of {names[id]} ({draft.Kind}), which takes {TypeNames.Of(input)}. "
                    + "Connect a source or another node to it, or remove it.");

            if (draft.Ports.Length == 0) continue;
            var connected = new HashSet<string?>(StringComparer.Ordinal);
            foreach (var edge in adjacency.Outgoing(id)) connected.Add(edges[edge].Port);
            foreach (var port in draft.Ports)
                if (!connected.Contains(port))
                    problems.Add($"Nothing is connected to the branch \"{port}\" of {PathTo(id, names, adjacency)}. "
                        + "Connect a node to it, or do not declare it.");
        }
    }

    /// <summary>Formats the path to a node along first inputs: <c>… | AllPairs | Geocode</c>.</summary>
    private static string PathTo(int id, string[] names, Adjacency adjacency)
    {
        const int Shown = 5;
        var path = new List<string> { names[id] };
        while (!adjacency.Incoming(id).IsEmpty)
        {
            if (path.Count == Shown) // long paths and cycles end here
            {
                path.Add("…");
                break;
            }

            id = adjacency.From(adjacency.Incoming(id)[0]);
            path.Add(names[id]);
        }

        path.Reverse();
        return string.Join(" | ", path);
    }

    // Given names may repeat here; the first one wins, and AddDuplicates reports the repetition.
    private static Dictionary<string, int> IndexNames(string[] names)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < names.Length; id++) index.TryAdd(names[id], id);
        return index;
    }
}

using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>Checks a flow, and makes its plan and its drawing.</summary>
internal static class FlowResolution
{
    private const int MaxNamed = 12;                // the text of a longer cycle names no processors

    public static Flow.Resolution Of(IReadOnlyList<Processor> processors)
    {
        List<string> problems = [];
        if (processors.Count == 0) problems.Add("The flow has no processors: give them to Flow.From.");
        foreach (var same in processors.GroupBy(processor => processor.Name).Where(same => same.Count() > 1))
            problems.Add($"{same.Count()} different processors are named {same.Key}: {string.Join("; ", same)}. Rename all but one.");
        var writers = processors.SelectMany(processor => processor.Outputs, (processor, output) => (output, processor))
            .ToLookup(pair => pair.output, pair => pair.processor);
        foreach (var duplicate in writers.Where(writer => writer.Count() > 1))
            problems.Add(
                $"The stream {duplicate.Key} is written by {string.Join(" and ", duplicate.Select(writer => writer.Name))}: a stream has "
                    + $"one writer. Rename one of the outputs.");
        if (problems.Count > 0) throw new InvalidTopologyException(problems);

        Adjacency graph = Connect(processors, writers);
        foreach (int[] cycle in Cycles.Find(graph)) problems.Add(Describe([.. cycle.Select(id => processors[id])]));
        if (problems.Count > 0) throw new InvalidTopologyException(problems);

        var read = processors.SelectMany(processor => processor.Inputs).ToHashSet();
        string[] floating = [.. read.Where(input => !writers.Contains(input)).Order(StringComparer.Ordinal)];
        string[] results = [.. writers.Select(writer => writer.Key).Where(output => !read.Contains(output)).Order(StringComparer.Ordinal)];
        return new(new(Partition(processors, graph), floating, results), Draw(processors, writers, floating, results));
    }

    /// <summary>Describes a cycle by its streams, starting with the first by name: <c>a -> b -> a</c>.</summary>
    private static string Describe(Processor[] cycle)
    {
        string[] streams = [.. cycle.Select((writer, i) => writer.Outputs.Intersect(cycle[(i + 1) % cycle.Length].Inputs)
            .Min(StringComparer.Ordinal)!)];
        int first = Array.IndexOf(streams, streams.Min(StringComparer.Ordinal));
        int[] order = [.. Enumerable.Range(first, cycle.Length).Select(i => i % cycle.Length)];
        // The processor behind a stream reads it and writes the next one.
        string by = cycle.Length > MaxNamed ? $"by {cycle.Length} processors"
            : $"by {string.Join(", ", order.Select(i => cycle[(i + 1) % cycle.Length].Name))}";
        return $"The flow has a cycle: {Cycles.Describe(order, streams)} ({by}). {(cycle.Length == 1 ? "It would wait for itself; remove "
            + "this stream." : "Each would wait for the other; remove one of these streams.")}";
    }

    private static Adjacency Connect(IReadOnlyList<Processor> processors, ILookup<string, Processor> writers)
    {
        var ids = processors.Select((processor, id) => (processor, id)).ToDictionary(pair => pair.processor, pair => pair.id);
        var edges = processors.SelectMany(reader => reader.Inputs.SelectMany(input => writers[input],
            (_, writer) => (From: ids[writer], To: ids[reader]))).Distinct().ToList();
        return new(processors.Count, [.. edges.Select(edge => edge.From)], [.. edges.Select(edge => edge.To)]);
    }

    /// <summary>
    /// A processor that waits comes one partition after the last of its writers; any other comes in the partition of its last writer.
    /// </summary>
    private static IReadOnlyList<Processor>[] Partition(IReadOnlyList<Processor> processors, Adjacency graph)
    {
        int[] number = new int[processors.Count];
        List<int> order = graph.TopologicalOrder();
        foreach (int id in order)
            foreach (int edge in graph.Incoming(id)) number[id] = Math.Max(number[id],
                number[graph.From(edge)] + (processors[id].Wait ? 1 : 0));
        return [.. order.GroupBy(id => number[id]).OrderBy(part => part.Key)
            .Select(part => (IReadOnlyList<Processor>)[.. part.Select(id => processors[id])])];
    }

    private static Topology Draw(IReadOnlyList<Processor> processors, ILookup<string, Processor> writers, string[] floating,
        string[] results)
    {
        var builder = new TopologyBuilder();
        Dictionary<string, int> nodes = [];
        foreach (string input in floating) nodes[$"io/{input}"] = builder.Add("source", hint: input, details: ["given"]);
        foreach (Processor processor in processors)
            nodes[processor.Name] = builder.Add(processor.Inputs.Count == 0 ? "source" : "processor", name: processor.Name,
                details: processor.Wait ? ["waits"] : null);
        foreach (Processor reader in processors)
            foreach (string input in reader.Inputs)
                builder.Connect(writers.Contains(input) ? nodes[writers[input].First().Name] : nodes[$"io/{input}"], nodes[reader.Name],
                    input);
        foreach (string output in results) builder.Connect(nodes[writers[output].First().Name],
            builder.Add("sink", hint: output, details: ["result"]), output);
        return builder.Build();
    }
}

namespace Sluice;

/// <summary>Checks a flow and plans it.</summary>
internal static class FlowResolution
{
    public static (FlowPlan Plan, Topology Topology) Of(IReadOnlyList<Processor> processors)
    {
        List<string> problems = [];
        if (processors.Count == 0) problems.Add("The flow has no processors: give them to Flow.From.");
        foreach (var same in processors.GroupBy(processor => processor.Name).Where(same => same.Count() > 1))
            problems.Add($"{same.Count()} different processors are named {same.Key}: {string.Join("; ", same)}. Rename all but one.");
        var writers = processors.SelectMany(processor => processor.Outputs, (processor, output) => (output, processor)).ToLookup(pair => pair.output, pair => pair.processor);
        foreach (var duplicate in writers.Where(writer => writer.Count() > 1))
            problems.Add($"The stream {duplicate.Key} is written by {string.Join(" and ", duplicate.Select(writer => writer.Name))}: a stream has one writer. Rename one of the outputs.");
        if (problems.Count > 0) throw new InvalidTopologyException(problems);

        Adjacency graph = Connect(processors, writers);
        string[] names = [.. processors.Select(processor => processor.Name)];
        foreach (int[] cycle in Cycles.Find(graph))
            problems.Add($"The flow has a cycle: {Cycles.Describe(cycle, names)}. Each would wait for the other; remove one of the streams between them.");
        if (problems.Count > 0) throw new InvalidTopologyException(problems);

        var read = processors.SelectMany(processor => processor.Inputs).ToHashSet();
        string[] floating = [.. read.Where(input => !writers.Contains(input)).Order(StringComparer.Ordinal)];
        string[] results = [.. writers.Select(writer => writer.Key).Where(output => !read.Contains(output)).Order(StringComparer.Ordinal)];
        return (new(Partition(processors, graph), floating, results), Draw(processors, writers, floating, results));
    }

    private static Adjacency Connect(IReadOnlyList<Processor> processors, ILookup<string, Processor> writers)
    {
        var ids = processors.Select((processor, id) => (processor, id)).ToDictionary(pair => pair.processor, pair => pair.id);
        var edges = processors.SelectMany(reader => reader.Inputs.SelectMany(input => writers[input], (_, writer) => (From: ids[writer], To: ids[reader]))).Distinct().ToList();
        return new(processors.Count, [.. edges.Select(edge => edge.From)], [.. edges.Select(edge => edge.To)]);
    }

    /// <summary>A processor is one partition behind the last of those it reads from, if it waits; else in the same.</summary>
    private static IReadOnlyList<Processor>[] Partition(IReadOnlyList<Processor> processors, Adjacency graph)
    {
        int[] number = new int[processors.Count];
        List<int> order = graph.TopologicalOrder();
        foreach (int id in order)
            foreach (int edge in graph.Incoming(id)) number[id] = Math.Max(number[id], number[graph.From(edge)] + (processors[id].Wait ? 1 : 0));
        return [.. order.GroupBy(id => number[id]).OrderBy(part => part.Key).Select(part => (IReadOnlyList<Processor>)[.. part.Select(id => processors[id])])];
    }

    private static Topology Draw(IReadOnlyList<Processor> processors, ILookup<string, Processor> writers, string[] floating, string[] results)
    {
        var builder = new TopologyBuilder();
        Dictionary<string, int> nodes = [];
        foreach (string input in floating) nodes[$"io/{input}"] = builder.Add("source", hint: input, details: ["given"]);
        foreach (Processor processor in processors)
            nodes[processor.Name] = builder.Add(processor.Inputs.Count == 0 ? "source" : "processor", name: processor.Name, details: processor.Wait ? ["waits"] : null);
        foreach (Processor reader in processors)
            foreach (string input in reader.Inputs)
                builder.Connect(writers.Contains(input) ? nodes[writers[input].First().Name] : nodes[$"io/{input}"], nodes[reader.Name], input);
        foreach (string output in results) builder.Connect(nodes[writers[output].First().Name], builder.Add("sink", hint: output, details: ["result"]), output);
        return builder.Build();
    }
}

using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>Checks records and sorts them by their dependencies. Errors name the ids of records.</summary>
internal static class RecordOrder
{
    /// <returns>A topology with a node per record, and an edge from each dependency to its record.</returns>
    /// <exception cref="InvalidTopologyException">Duplicate ids, unknown ids, or a circle of records.</exception>
    public static Topology Of<T>(StepInput<T>[] records)
    {
        var numbers = new Dictionary<string, int>(records.Length, StringComparer.Ordinal);
        List<string> problems = [];
        for (int i = 0; i < records.Length; i++)
        {
            if (records[i] is not { } record) throw new InvalidTopologyException(
                $"The record number {i + 1} of {records.Length} is null. Leave it out.");
            if (string.IsNullOrWhiteSpace(record.Id)) throw new InvalidTopologyException(
                $"The record number {i + 1} of {records.Length} has no id. Give it one.");
            if (!numbers.TryAdd(record.Id, i)) problems.Add(
                $"The records number {numbers[record.Id] + 1} and {i + 1} have one id, \"{record.Id}\". Give each its own.");
        }
        List<(int Record, int Dependency)> edges = [];
        for (int i = 0; i < records.Length; i++)
        {
            foreach (string id in (records[i].Dependencies ?? []).Distinct(StringComparer.Ordinal))
            {
                if (id is null) throw new InvalidTopologyException(
                    $"The record \"{records[i].Id}\" depends on an id that is null. Leave it out.");
                if (numbers.TryGetValue(id, out int dependency)) edges.Add((i, dependency));
                else problems.Add($"The record \"{records[i].Id}\" depends on \"{id}\". {NearNames.Explain("record", id, numbers.Keys,
                    comparesAll: problems.Count < InvalidTopologyException.Shown)}");
            }
        }
        if (problems.Count == 0) AddCircles(records, edges, problems);
        if (problems.Count > 0) throw new InvalidTopologyException(problems);
        return Draw(records, edges);
    }

    private static void AddCircles<T>(StepInput<T>[] records, List<(int Record, int Dependency)> edges, List<string> problems)
    {
        List<int[]> circles = Cycles.Find(new Adjacency(records.Length, [.. edges.Select(edge => edge.Record)],
            [.. edges.Select(edge => edge.Dependency)]));
        if (circles.Count == 0) return;
        string[] names = [.. records.Select(record => record.Id)];
        foreach (int[] circle in circles)
            problems.Add(
                $"Records depend on each other in a circle: {Cycles.Describe(circle, names)} (each depends on the next). None of them "
                    + $"could ever start; let one of them do without the next.");
    }

    private static Topology Draw<T>(StepInput<T>[] records, List<(int Record, int Dependency)> edges)
    {
        var builder = new TopologyBuilder();
        foreach (StepInput<T> record in records) builder.Add("record", record.Id);
        foreach (var (record, dependency) in edges) builder.Connect(dependency, record);
        return builder.Build();
    }
}

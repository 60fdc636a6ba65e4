using Sluice.Diagnostics;

namespace Sluice.Graphs;

public sealed partial class StepScope
{
    /// <summary>Counts the calls made so far, in all and by step. Never waits.</summary>
    /// <remarks>Goes through all records (<see cref="StepScopeOptions.RecordsGraph"/>), so its cost grows with the calls.</remarks>
    public StepScopeSnapshot Snapshot()
    {
        CallRecord[] all;
        lock (sync) all = [.. records];
        var counts = new Dictionary<string, int[]>(StringComparer.Ordinal);
        List<string> steps = [];
        foreach (CallRecord record in all)
        {
            if (!counts.TryGetValue(record.Definition.Name, out int[]? ofStep))
            {
                counts.Add(record.Definition.Name, ofStep = new int[(int)FutureStatus.Cancelled + 1]);
                steps.Add(record.Definition.Name);
            }
            ofStep[(int)record.Status]++;
        }
        return new(options.Name, Time.GetElapsedTime(began), isDisposed, Totals(), [.. steps.Select(step => Counts(step, counts[step]))]);
    }

    /// <summary>Counts the calls made so far, in all. Never waits, and costs the same for any number of calls.</summary>
    public StepCounts Totals() => new("", Volatile.Read(ref called), Volatile.Read(ref running), Volatile.Read(ref succeeded),
        Volatile.Read(ref failed), Volatile.Read(ref cancelled));

    /// <summary>The name of the scope (<see cref="StepScopeOptions.Name"/>); null if it has none.</summary>
    public string? Name => options.Name;

    private static StepCounts Counts(string step, int[] counts) => new(step, counts.Sum(), counts[(int)FutureStatus.Running],
        counts[(int)FutureStatus.Succeeded], counts[(int)FutureStatus.Failed], counts[(int)FutureStatus.Cancelled]);
}

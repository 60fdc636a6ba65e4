using System.Diagnostics;

namespace Airports;

/// <summary>How a run ended.</summary>
/// <param name="Failure">What failed, with node, item and reason in one line; null if nothing did.</param>
/// <param name="Elapsed">From the first item to the last.</param>
internal sealed record Outcome(string? Failure, TimeSpan Elapsed);

/// <summary>The job itself: the pipeline, and a run of it.</summary>
internal sealed class Job(Airport[] airports, Gazetteer gazetteer, Outputs outputs, Options options)
{
    private long counted;

    /// <summary>The pipeline as text.</summary>
    public string Picture => "";

    /// <summary>Pairs that are through so far. Any thread may ask.</summary>
    public long Done => outputs.All.Select(entry => (long?)entry.Output.RowsAccepted).Min() ?? Volatile.Read(ref counted);

    /// <summary>Runs until all pairs are done, a node has failed, or the interrupts have stopped it.</summary>
    public async Task<Outcome> RunAsync(Interrupts interrupts)
    {
        await Task.Yield();
        _ = options;
        var clock = Stopwatch.StartNew();
        var node = "AllPairs";
        try
        {
            foreach (var pair in Stages.AllPairs(airports))
            {
                if (interrupts.Drain.IsCancellationRequested) break;
                var distance = Stages.Distance(gazetteer.Geocode(pair));
                foreach (var (name, output) in outputs.All)
                {
                    node = name;
                    output.Write(distance);
                }

                counted++;
            }

            foreach (var (name, output) in outputs.All)
            {
                node = name;
                if (!interrupts.Cancel.IsCancellationRequested) output.Complete();
            }
        }
        catch (OutputFailure failure)
        {
            return new Outcome($"{node} failed at {failure.Item}: {failure.Message}", clock.Elapsed);
        }

        return new Outcome(null, clock.Elapsed);
    }
}

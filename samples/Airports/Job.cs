using System.Diagnostics;
using Sluice;
using static Airports.Stages;

namespace Airports;

/// <summary>How a run ended.</summary>
/// <param name="Failure">What failed, with node, item and reason in one line; null if nothing did.</param>
/// <param name="Elapsed">From the first item to the last.</param>
internal sealed record Outcome(string? Failure, TimeSpan Elapsed);

/// <summary>The job itself: the pipeline, and a run of it.</summary>
internal sealed class Job
{
    // How many origins may be under way, each with hundreds of pairs: few enough that an interrupted run ends at once.
    private const int MostOrigins = 32;

    private readonly Outputs outputs;
    private readonly Interrupts interrupts;
    private readonly Options options;
    private readonly Pipeline pipeline;
    private long counted;

    public Job(Airport[] airports, Gazetteer gazetteer, Outputs outputs, Options options, string[] arguments, Interrupts interrupts)
    {
        (this.outputs, this.options, this.interrupts) = (outputs, options, interrupts);
        var distances = options.Workers is { } workers
            ? Source.From(Taken(Slices(airports.Length))) | Stage.Named("airports") | Workers.Start(workers, arguments)
            : Source.From(Taken(Origins(airports))) | Stage.Named("airports")
            | AllPairs | Stage.Parallel(options.Parallel)
            | gazetteer.Geocode | Stage.Parallel(options.Parallel)
            | Distance | Stage.Parallel(options.Parallel);

        pipeline = (outputs.Database, outputs.File) switch
        {
            (not null, not null) => distances | [ToDatabase, ToFile],
            (not null, null) => distances | ToDatabase,
            (null, not null) => distances | ToFile,
            (null, null) => distances | Count,
        };
    }

    /// <summary>The pipeline as text.</summary>
    public string Picture => pipeline.Topology.ToText();

    /// <summary>Pairs that are through so far. Any thread may ask.</summary>
    public long Done => outputs.All.Select(entry => (long?)entry.Output.RowsAccepted).Min() ?? Volatile.Read(ref counted);

    /// <summary>Runs until all pairs are done, a node has failed, or the interrupts have stopped it.</summary>
    public async Task<Outcome> RunAsync()
    {
        var clock = Stopwatch.StartNew();
        var failure = await RunPipelineAsync() ?? (interrupts.Cancel.IsCancellationRequested ? null : Complete());
        return new Outcome(failure, clock.Elapsed);
    }

    private async Task<string?> RunPipelineAsync()
    {
        var mode = options.MultiThread ? ExecutionMode.MultiThread : ExecutionMode.SingleThread;
        try
        {
            await pipeline.RunAsync(new RunOptions { Mode = mode, MaxBufferedItems = MostOrigins }, interrupts.Cancel);
            return null;
        }
        catch (PipelineException failure)
        {
            return failure.InnerException is OutputFailure output ? Describe(failure.Node, output) : failure.Message;
        }
        catch (OperationCanceledException) when (interrupts.Cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    // What is still in the outputs' buffers belongs to nodes that have ended well.
    private string? Complete()
    {
        foreach (var (node, output) in outputs.All)
        {
            try
            {
                output.Complete();
            }
            catch (OutputFailure failure)
            {
                return Describe(node, failure);
            }
        }

        return null;
    }

    private static string Describe(string node, OutputFailure failure) => $"{node} failed at {failure.Item}: {failure.Message}";

    // A run that drains finishes what it has taken in. Its source could be drained as well, but the interrupt comes from outside of it:
    // it ends the origins, and the run ends when the pairs of those that were under way are written.
    private IEnumerable<T> Taken<T>(IEnumerable<T> work) => work.TakeWhile(_ => !interrupts.Drain.IsCancellationRequested);

    private void ToDatabase(PairDistance distance) => outputs.Database!.Write(distance);

    private void ToFile(PairDistance distance) => outputs.File!.Write(distance);

    private void Count(PairDistance distance) => Volatile.Write(ref counted, counted + 1);
}

using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A complete pipeline, from its sources to its sinks, that can be drawn and run.</summary>
/// <remarks>Immutable and thread-safe. It can run any number of times, also at the same time.</remarks>
public sealed partial class Pipeline : IBlueprint
{
    private static readonly RunOptions MultiThread = new();
    private static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };

    internal Pipeline(Source<Unit> tail) => Tail = tail;

    internal Source<Unit> Tail { get; }

    /// <summary>The topology of the pipeline: walk it, search it, draw it.</summary>
    /// <exception cref="InvalidTopologyException">Two nodes have the same name.</exception>
    public Topology Topology => RunBuilder.Draw(this).Topology;

    /// <summary>Starts a run.</summary>
    /// <remarks>In single-thread mode the calling thread does the work: Start returns when the run has ended or waits for something
    /// outside. Keep the run and await <see cref="PipelineRun.Completion"/>, which reports failures.</remarks>
    /// <param name="mode">The execution mode; by default multi-threaded.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="InvalidTopologyException">Two nodes have the same name.</exception>
    public PipelineRun Start(ExecutionMode mode = ExecutionMode.MultiThread, CancellationToken cancellation = default)
        => Start(mode == ExecutionMode.SingleThread ? SingleThread : MultiThread, cancellation);

    /// <summary>Starts a run.</summary>
    /// <param name="options">The options of the run.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="InvalidTopologyException">Two nodes have the same name.</exception>
    /// <exception cref="ArgumentException"><see cref="RunOptions.Outputs"/> has a name that no node of the pipeline writes to.</exception>
    public PipelineRun Start(RunOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var builder = new RunBuilder(options, this);
        if (options.Outputs.Count > 0) builder.CheckOutputs();                   // Fails before any node belongs to the run.
        try
        {
            Tail.Build(builder, Terminal.Shared);
            return builder.Launch(cancellation);
        }
        catch
        {
            builder.Run.GiveUp();
            throw;
        }
    }

    /// <summary>Returns the definition on one line: <c>source-1 | Twice | [Print, Save]</c>. If brackets cannot express the graph, the text
    /// is the one of <see cref="Topology.ToText"/>.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(Unit));

    void IBlueprint.Build(RunBuilder builder) => Tail.Build(builder, Terminal.Shared);

    /// <summary>Runs the pipeline to its end.</summary>
    /// <remarks>The snapshot has the counts and dead letters of the run; the object in <see cref="RunOptions.State"/> has the state. To
    /// read named outputs while the run goes on, keep the run: <see cref="Start(RunOptions, CancellationToken)"/>.</remarks>
    /// <param name="options">The options of the run; by default multi-threaded.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <returns>The snapshot of the run at its end.</returns>
    /// <exception cref="ArgumentException">The options name outputs but have no <c>OnStarted</c>, so that no caller has the run to read
    /// them from.</exception>
    /// <exception cref="PipelineException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task<RunSnapshot> RunAsync(RunOptions? options = null, CancellationToken cancellation = default)
    {
        PipelineRun run = Start(RunOptions.OfHiddenRun(options ?? MultiThread), cancellation);
        await using (run.ConfigureAwait(false))
        {
            try
            {
                await run.Completion.ConfigureAwait(false);
            }
            catch (OperationCanceledException cancelled) when (run.StillRunning is { Count: > 0 } nodes)
            {
                throw new OperationCanceledException(
                    $"The run was cancelled. Still running, as they do not heed their token: {string.Join(", ", nodes)}.", cancelled,
                    cancellation);
            }
            return run.Snapshot();
        }
    }
}

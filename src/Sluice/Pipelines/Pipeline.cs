namespace Sluice;

/// <summary>A complete pipeline, from its sources to its sinks: it can be drawn and run.</summary>
/// <remarks>A value: immutable, safe for use by several threads; it may run many times, also at once.</remarks>
public sealed partial class Pipeline : IBlueprint
{
    private static readonly RunOptions MultiThread = new();
    private static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };

    internal Pipeline(Source<Unit> tail) => Tail = tail;

    internal Source<Unit> Tail { get; }

    /// <summary>The pipeline as a graph: to be walked, searched and drawn.</summary>
    /// <exception cref="InvalidTopologyException">A name was given twice.</exception>
    public Topology Topology => RunBuilder.Draw(this).Topology;

    /// <summary>Starts a run.</summary>
    /// <remarks>
    /// In single-thread mode this thread does the work: Start returns when the run has ended or waits for something
    /// outside. Hold on to the run and await <see cref="PipelineRun.Completion"/>: that is where failures surface.
    /// </remarks>
    /// <param name="mode">Multi-threaded unless given.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="InvalidTopologyException">A name was given twice.</exception>
    public PipelineRun Start(ExecutionMode mode = ExecutionMode.MultiThread, CancellationToken cancellation = default)
        => Start(mode == ExecutionMode.SingleThread ? SingleThread : MultiThread, cancellation);

    /// <summary>Starts a run.</summary>
    /// <param name="options">How it is to be run.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="InvalidTopologyException">A name was given twice.</exception>
    /// <exception cref="ArgumentException"><see cref="RunOptions.Outputs"/> has a name that nothing in the pipeline writes to.</exception>
    public PipelineRun Start(RunOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var builder = new RunBuilder(options, this);
        if (options.Outputs.Count > 0) builder.CheckOutputs();                   // before a node belongs to the run
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

    /// <summary>The definition on one line: <c>source-1 | Twice | [Print, Save]</c>. A graph that brackets cannot express is drawn as <see cref="Topology.ToText"/> draws it.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(Unit));

    void IBlueprint.Build(RunBuilder builder) => Tail.Build(builder, Terminal.Shared);

    /// <summary>Runs it to its end.</summary>
    /// <remarks>
    /// What it leaves behind is in the snapshot (counts, dead letters) and in the object given as <see cref="RunOptions.State"/>. Named outputs
    /// are read while the run goes on, which takes a run to hold on to: <see cref="Start(RunOptions, CancellationToken)"/>.
    /// </remarks>
    /// <param name="options">How it is to be run; multi-threaded unless given.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <returns>What the run looked like at its end.</returns>
    /// <exception cref="ArgumentException">Named outputs are asked for, and nobody would have the run to read them from.</exception>
    /// <exception cref="PipelineException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task<RunSnapshot> RunAsync(RunOptions? options = null, CancellationToken cancellation = default)
    {
        if (options is { Outputs.Count: > 0, OnStarted: null })
        {
            throw new ArgumentException(
                $"Nobody could read the output '{options.Outputs.First()}': it holds {options.MaxBufferedItems} items, and the run would wait for ever. "
                + "Use Start, read PipelineRun.Output and await PipelineRun.Completion; or get hold of the run with RunOptions.OnStarted.", nameof(options));
        }
        PipelineRun run = Start(options ?? MultiThread, cancellation);
        await using (run.ConfigureAwait(false))
        {
            await run.Completion.ConfigureAwait(false);
            return run.Snapshot();
        }
    }
}

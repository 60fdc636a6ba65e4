using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Progress.Looks;

namespace Sluice.Progress;

/// <summary>Shows progress in the terminal: counts of each node, rates, the time that is left, and the bottleneck.</summary>
/// <remarks>
/// <para>
/// A display is drawn on standard error, below everything that the program writes with <see cref="Console"/>. Several displays are drawn
/// below each other. Without a terminal, nothing is drawn and nothing is asked.
/// </para>
/// <para>A display ends with the run, or when it is disposed. It never throws into the program, and changes nothing about the run.</para>
/// </remarks>
/// <example><code>
/// await using PipelineRun run = pipeline.Start();
/// await using ProgressDisplay progress = run.ShowProgress();
/// await run.Completion;
/// </code></example>
public static class ProgressExtensions
{
    /// <summary>Shows the progress of a run, until it ends.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">The options; null for the defaults.</param>
    public static ProgressDisplay ShowProgress(this PipelineRun run, ProgressOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        options ??= new();
        return ProgressDisplay.Start(new RunProgress(run, options.Title, options.ExpectedItems), options);
    }

    /// <summary>Shows the calls of a scope by step, until the display or the scope is disposed.</summary>
    /// <param name="scope">The scope. Without <see cref="StepScopeOptions.RecordsGraph"/>, only the sums of all steps are shown.</param>
    /// <param name="options">The options; null for the defaults.</param>
    public static ProgressDisplay ShowProgress(this StepScope scope, ProgressOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(scope);
        options ??= new();
        return ProgressDisplay.Start(new ScopeProgress(scope, options.Title), options);
    }

    /// <summary>Shows the progress of a consecutor through its backlog, until it has stopped or the display is disposed.</summary>
    /// <param name="consecutor">The consecutor, started or not.</param>
    /// <param name="options">The options; null for the defaults.</param>
    public static ProgressDisplay ShowProgress<T>(this Consecutor<T> consecutor, ProgressOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(consecutor);
        options ??= new();
        return ProgressDisplay.Start(new ConsecutorProgress(consecutor.Snapshot, () => consecutor.Topology,
            options.Title ?? consecutor.Name), options);
    }

    /// <summary>Shows the processors of a run of a flow, until the run has ended or the display is disposed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">The options; null for the defaults.</param>
    public static ProgressDisplay ShowProgress(this FlowRun run, ProgressOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        options ??= new();
        return ProgressDisplay.Start(new FlowProgress(run, options.Title ?? run.Id, options.Time), options);
    }
}

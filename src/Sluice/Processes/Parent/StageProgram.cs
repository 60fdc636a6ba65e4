using Sluice.ChildProcesses;

namespace Sluice.Processes;

/// <summary>The program of a stage's workers, and what a failed start of it means for people.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal abstract class StageProgram
{
    /// <summary>How workers are started.</summary>
    public abstract ChildProgram Program { get; }

    /// <summary>The kind of the stage in a topology.</summary>
    public abstract string Kind { get; }

    /// <summary>The number of workers; null if <see cref="Stage.Parallel"/> of the stage is.</summary>
    public abstract int? Workers { get; }

    /// <summary>Checks before each start what can be checked without a process.</summary>
    /// <exception cref="WorkerException">The program cannot start; the message says what to do.</exception>
    public virtual void Check() { }

    /// <summary>Explains why the process was not started at all. The run fails.</summary>
    public virtual WorkerException Explain(WorkerException failure) => failure;

    /// <summary>Explains why a process did not connect, if another start would not help; the run fails. Otherwise null.</summary>
    /// <param name="failure">How the start has failed.</param>
    /// <param name="life">Cancelled when no worker is needed any more.</param>
    public virtual Task<WorkerException?> ExplainAsync(ChildStartFailure failure, CancellationToken life)
        => Task.FromResult<WorkerException?>(null);

    /// <summary>What to do about a worker that does not connect in time, as the end of a sentence; empty if nothing is known.</summary>
    public virtual string SlowStart => "";

    /// <summary>What to do about workers that end, or are killed, before they connect; empty if nothing is known.</summary>
    public virtual string Remedy => "";

    /// <summary>Completes what a worker has said that refuses to work.</summary>
    public virtual string ExplainRefusal(string said) => said;
}

/// <summary>The program of this process, or another one that calls <c>Worker.TryRunAsWorkerAsync</c>.</summary>
internal sealed class BodyProgram(string body, ProcessOptions options) : StageProgram
{
    public override ChildProgram Program { get; } = new(options.Program, [WorkerEnvironment.Argument, body, .. options.Arguments],
        WorkerEnvironment.Variable, options.StartTimeout);

    public override string Kind => "processes";

    public override int? Workers => options.Workers;

    public override string Remedy => " The workers' program must say if (await Worker.TryRunAsWorkerAsync(args, name => ...)) return; "
        + "before it does anything else. Copies of this program are the workers, unless ProcessOptions.Program names another one, as it "
        + "must in a test project.";
}

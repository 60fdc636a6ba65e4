using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The program of an executor's children, and what a failed start of it means for people.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal abstract class ExecutorProgram
{
    /// <summary>How children are started.</summary>
    public abstract ChildProgram Program { get; }

    /// <summary>Checks before each start what can be checked without a process.</summary>
    /// <exception cref="FlowException">The program cannot start; the message says what to do.</exception>
    public virtual void Check() { }

    /// <summary>Explains why the process was not started at all.</summary>
    /// <returns>An <see cref="ExecutionLostException"/> if another start may help; another exception fails the processor.</returns>
    public virtual Exception Explain(WorkerException failure) => new ExecutionLostException(failure.Message, failure);

    /// <summary>Explains why the process did not ask for work.</summary>
    /// <returns>An <see cref="ExecutionLostException"/> if another start may help; another exception fails the processor.</returns>
    /// <param name="failure">How the start has failed.</param>
    /// <param name="life">Cancelled when no child is needed any more.</param>
    public abstract Task<Exception> ExplainAsync(ChildStartFailure failure, CancellationToken life);

    /// <summary>Explains the failure of a function.</summary>
    public virtual ChildFunctionException Explain(ChildFunctionException failure) => failure;
}

/// <summary>The program of this process, or another one that calls <c>Worker.TryRunAsWorkerAsync</c>.</summary>
internal sealed class DotnetProgram(ProcessExecutorOptions options) : ExecutorProgram
{
    private const int KeptErrors = 5;

    public override ChildProgram Program { get; } = new(options.Program, options.Arguments ?? Environment.GetCommandLineArgs()[1..],
        ExecutorEnvironment.Variable, options.StartTimeout, KeptErrors);

    public override Task<Exception> ExplainAsync(ChildStartFailure failure, CancellationToken life)
        => Task.FromResult<Exception>(new ExecutionLostException(
            $"{Program.HowItFailed(failure)}: its program must say if (await Worker.TryRunAsWorkerAsync(functions)) return; before it does "
                + $"anything else.{failure.Wrote}"));
}

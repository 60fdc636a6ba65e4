using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The program of an executor's children in Python.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class PythonProgram : ExecutorProgram
{
    private const int MaxTrace = 3_000;              // of the 4,000 letters of a stored failure

    private readonly PythonStart start;

    /// <exception cref="ArgumentException">The module has an invalid name, or an option cannot be used.</exception>
    public PythonProgram(string module, PythonExecutorOptions options)
    {
        if (options.Process.Program is not null || options.Process.Arguments is not null)
            throw new ArgumentException(
                "Children in Python have neither ProcessExecutorOptions.Program nor Arguments: the interpreter is "
                    + "PythonOptions.Interpreter, and a module gets what it needs by PythonOptions.Environment.", nameof(options));
        start = new(module, [], options.Python, ExecutorEnvironment.Variable, options.Process.StartTimeout, nameof(options));
    }

    public override ChildProgram Program => start.Program;

    public override void Check()
    {
        if (start.Obstacle() is { } obstacle) throw new FlowException(obstacle);
    }

    public override Exception Explain(WorkerException failure)
        => start.Explain(failure) is { } text ? new FlowException(text) : base.Explain(failure);

    public override async Task<Exception> ExplainAsync(ChildStartFailure failure, CancellationToken life)
    {
        (string text, bool isFinal) = await start.ExplainAsync(failure, life).ConfigureAwait(false);
        return isFinal ? new FlowException(text) : new ExecutionLostException(text);
    }

    /// <summary>The end of the traceback belongs to the failure: it is what a reader of Python looks for.</summary>
    public override ChildFunctionException Explain(ChildFunctionException failure)
    {
        string trace = failure.Details.TrimEnd();
        if (trace.Length > MaxTrace)
            trace = "…" + trace[(trace.IndexOf('\n', trace.Length - MaxTrace) is var line && line < 0 ? trace.Length - MaxTrace : line)..];
        return trace.Length == 0 ? failure : new($"{failure.Message}\n{trace}", failure.Details) { Run = failure.Run };
    }
}

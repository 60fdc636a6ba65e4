using Sluice.ChildProcesses;

namespace Sluice.Processes;

/// <summary>The program of a stage's workers in Python.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class PythonStageProgram : StageProgram
{
    // The worker compares the form with the function.
    private const string ItemsArgument = "--sluice-items";
    private const string BatchArgument = "--sluice-batch";

    private readonly PythonStart start;

    /// <param name="function">The name, as <c>module:function</c>.</param>
    /// <param name="options">The interpreter, limits and timeouts.</param>
    /// <param name="maxBatch">The largest number of items in a list; null if the function gets one item.</param>
    /// <param name="types">The types of items and results (<see cref="PythonTypes"/>).</param>
    /// <exception cref="ArgumentException">The function has an invalid name, or an option cannot be used.</exception>
    public PythonStageProgram(string function, PythonStageOptions options, int? maxBatch, string types)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(function);
        int colon = function.LastIndexOf(':');
        if (colon <= 0 || string.IsNullOrWhiteSpace(function[(colon + 1)..]))
            throw new ArgumentException(
                $"\"{function}\" does not name a function of a module: write module:function, such as words:length.", nameof(function));
        ProcessOptions process = options.Process;
        if (process.Program is not null || process.Arguments.Count > 0)
            throw new ArgumentException(
                "Children in Python have neither ProcessOptions.Program nor Arguments: the interpreter is PythonOptions.Interpreter, and a "
                    + "module gets what it needs by PythonOptions.Environment.", nameof(options));
        if (process.HasWorkers)
            throw new ArgumentException(
                $"ProcessOptions.Workers is not for stages in Python: Stage.Parallel says how many processes there are. Write … | "
                    + $"Stage.Parallel({process.Workers}).", nameof(options));
        if (options.Python.Environment.ContainsKey(PythonTypes.Variable))
            throw new ArgumentException($"The environment variable {PythonTypes.Variable} is the library's own.", nameof(options));
        PythonOptions python = options.Python with
        {
            Environment = new Dictionary<string, string?>(options.Python.Environment) { [PythonTypes.Variable] = types }
        };
        start = new(function[..colon], [WorkerEnvironment.Argument, function[(colon + 1)..], .. FormOf(maxBatch)], python,
            WorkerEnvironment.Variable, process.StartTimeout, nameof(options));
    }

    public override ChildProgram Program => start.Program;

    public override string Kind => "python";

    public override int? Workers => null;

    public override string SlowStart => $". {PythonStart.SlowImport}";

    public override void Check()
    {
        if (start.Obstacle() is { } obstacle) throw new WorkerException(obstacle);
    }

    public override WorkerException Explain(WorkerException failure)
        => start.Explain(failure) is { } text ? new WorkerException(text, failure) : failure;

    public override async Task<WorkerException?> ExplainAsync(ChildStartFailure failure, CancellationToken life)
    {
        (string text, bool isFinal) = await start.ExplainAsync(failure, life).ConfigureAwait(false);
        return isFinal ? new(text) : null;
    }

    public override string ExplainRefusal(string said) => start.WithAdvice(said);

    private static string[] FormOf(int? maxBatch)
        => maxBatch is { } most ? [BatchArgument, most.ToString(CultureInfo.InvariantCulture)] : [ItemsArgument];
}

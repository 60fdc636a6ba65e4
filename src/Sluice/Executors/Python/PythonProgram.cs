using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The program of children in Python: the interpreter, with the worker of the package <c>sluice</c>.</summary>
/// <remarks>Immutable and thread-safe. Messages never have values of environment variables.</remarks>
internal sealed class PythonProgram : ExecutorProgram
{
    private const int KeptErrors = 12;               // the end of a traceback
    private const int MaxTrace = 3_000;              // of the 4,000 letters of a stored failure
    private const string SearchPath = "PYTHONPATH";
    private const string Mistake = "sluice.worker: ";
    private const int NotFound = 2, NotAllowed = 13;

    private readonly string module;
    private readonly string? virtualEnvironment;
    private readonly string[] imports;

    /// <exception cref="ArgumentException">The module has an invalid name, or an option cannot be used.</exception>
    public PythonProgram(string module, PythonExecutorOptions options)
    {
        CheckModule(module);
        PythonOptions python = options.Python;
        if (options.Process.Program is not null || options.Process.Arguments is not null)
            throw new ArgumentException(
                "Children in Python have neither ProcessExecutorOptions.Program nor Arguments: the interpreter is "
                    + "PythonOptions.Interpreter, and a module gets what it needs by PythonOptions.Environment.", nameof(options));
        if (python.Environment.ContainsKey(ExecutorEnvironment.Variable))
            throw new ArgumentException($"The environment variable {ExecutorEnvironment.Variable} is the executor's own.", nameof(options));
        this.module = module;
        virtualEnvironment = python.VirtualEnvironment is { } folder ? Path.GetFullPath(folder) : null;
        imports = [.. python.ImportPaths.Select(Path.GetFullPath)];
        if (Array.Find(imports, static path => path.Contains(Path.PathSeparator, StringComparison.Ordinal)) is { } odd)
            throw new ArgumentException($"The import path {odd} has a '{Path.PathSeparator}', which separates paths.", nameof(options));
        Program = new(Interpreter(python), ["-m", "sluice.worker", module], ExecutorEnvironment.Variable, options.Process.StartTimeout,
            KeptErrors)
        {
            Environment = Environments(python.Environment)
        };
    }

    public override ChildProgram Program { get; }

    public override void Check()
    {
        if (virtualEnvironment is null || File.Exists(Program.Path)) return;
        throw new FlowException(Directory.Exists(virtualEnvironment)
            ? $"The folder {virtualEnvironment} (PythonOptions.VirtualEnvironment) is no virtual environment: there is no {Program.Path}. "
                + $"Make one with: python3 -m venv {virtualEnvironment}"
            : $"There is no folder {virtualEnvironment} (PythonOptions.VirtualEnvironment). Make the virtual environment with: "
                + $"python3 -m venv {virtualEnvironment}");
    }

    public override Exception Explain(WorkerException failure) => failure.InnerException is Win32Exception { NativeErrorCode: var code }
        ? new FlowException(code switch
        {
            NotFound when virtualEnvironment is null =>
                $"The Python interpreter {Program.Path} was not found. Install it (on Debian: apt-get install python3), or say where it "
                    + $"is: PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.",
            NotAllowed => $"The Python interpreter {Program.Path} may not be executed by this user. Say where another one is: "
                + $"PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.",
            _ => $"The Python interpreter {Program.Path} cannot be started: {failure.InnerException.Message}",
        }, failure)
        : base.Explain(failure);

    public override async Task<Exception> ExplainAsync(ChildStartFailure failure, CancellationToken life)
    {
        if (failure.Wrote.LastIndexOf(Mistake, StringComparison.Ordinal) is var at && at >= 0)
        {
            // The worker has found a mistake of the module. Another start does not help against a module that is not there.
            string said = failure.Wrote[(at + Mistake.Length)..];
            return !said.Contains("ModuleNotFoundError", StringComparison.Ordinal) ? new ExecutionLostException(said)
                : new FlowException(
                    $"{said} Install what it needs for {Program.Path}, or name the folder that has it in "
                        + $"PythonOptions.ImportPaths{Searched()}.");
        }
        if (failure.HowItEnded is not null && await PythonDiagnosis.OfAsync(Program, life).ConfigureAwait(false) is { } found)
        {
            if (found.IsOld)
                return new FlowException(
                    $"{Program.Path} is Python {found.Version}, and the package sluice needs 3.9 or later: say where such a Python is with "
                        + $"PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.");
            if (!found.HasPackage)
                return new FlowException(
                    $"{Program.Path} (Python {found.Version}) does not find the package sluice with its worker: install it for this Python "
                        + $"(pip install sluice, or pip install ./clients/python from Sluice's sources), or name the folder that has it in "
                        + $"PythonOptions.ImportPaths{Searched()}.");
        }
        return new ExecutionLostException(
            $"{HowItFailed(failure)}: python3 -m sluice.worker {module} must ask for it as soon as it starts."
                + failure.Wrote);
    }

    /// <summary>The end of the traceback belongs to the failure: it is what a reader of Python looks for.</summary>
    public override ChildFunctionException Explain(ChildFunctionException failure)
    {
        string trace = failure.Details.TrimEnd();
        if (trace.Length > MaxTrace)
            trace = "…" + trace[(trace.IndexOf('\n', trace.Length - MaxTrace) is var line && line < 0 ? trace.Length - MaxTrace : line)..];
        return trace.Length == 0 ? failure : new($"{failure.Message}\n{trace}", failure.Details) { Run = failure.Run };
    }

    private string Searched()
    {
        if (imports.Length == 0) return " (there is none)";
        string[] missing = [.. imports.Where(static path => !Directory.Exists(path) && !File.Exists(path))];
        return $" ({string.Join(", ", imports)}{(missing.Length > 0 ? $"; there is no {string.Join(", no ", missing)}" : "")})";
    }

    private string Interpreter(PythonOptions python) => virtualEnvironment is null ? python.Interpreter
        : OperatingSystem.IsWindows() ? Path.Combine(virtualEnvironment, "Scripts", "python.exe")
        : Path.Combine(virtualEnvironment, "bin", "python");

    private Dictionary<string, string?> Environments(IReadOnlyDictionary<string, string?> given)
    {
        var variables = new Dictionary<string, string?>(given);
        string? known = variables.TryGetValue(SearchPath, out string? own) ? own : Environment.GetEnvironmentVariable(SearchPath);
        if (imports.Length > 0)
            variables[SearchPath] = string.Join(Path.PathSeparator, string.IsNullOrEmpty(known) ? imports : [.. imports, known]);
        return variables;
    }

    private static void CheckModule(string module)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(module);
        if (module.EndsWith(".py", StringComparison.OrdinalIgnoreCase) || module.Contains('/', StringComparison.Ordinal)
            || module.Contains('\\', StringComparison.Ordinal))
            throw new ArgumentException(
                $"\"{module}\" is a file, and a module is named as in Python's import: {Path.GetFileNameWithoutExtension(module)}. Its "
                    + $"folder goes to PythonOptions.ImportPaths.", nameof(module));
        if (!module.Replace(':', '.').Split('.').All(static part => part.Length > 0 && !char.IsAsciiDigit(part[0])
            && part.All(static letter => char.IsLetterOrDigit(letter) || letter == '_')))
            throw new ArgumentException(
                $"\"{module}\" is no name of a Python module, such as words, shop.words, or shop.words:worker.", nameof(module));
    }
}

namespace Sluice.ChildProcesses;

/// <summary>How children in Python are started: the interpreter, with the worker of the package <c>sluice</c>.</summary>
/// <remarks>Immutable and thread-safe. Messages never have values of environment variables.</remarks>
internal sealed class PythonStart
{
    private const int KeptErrors = 12;               // the end of a traceback
    private const string SearchPath = "PYTHONPATH";
    private const string Mistake = "sluice.worker: ";
    private const string NoModule = "ModuleNotFoundError";
    private const string NoVersion = "the protocol of child processes";
    private const int NotFound = 2, NotAllowed = 13;

    /// <summary>What to do about a child that does not connect in time, as a sentence without its point.</summary>
    public const string SlowImport = "If the import takes longer, raise StartTimeout (the option Process), or have the module load at its "
        + "first call what takes long";

    private readonly string module;
    private readonly string? virtualEnvironment;
    private readonly string[] imports;

    /// <param name="module">The name of the module, with the name of its worker if it has several.</param>
    /// <param name="arguments">What the worker gets after the module.</param>
    /// <param name="python">The interpreter, and what it finds.</param>
    /// <param name="variable">The environment variable for the token.</param>
    /// <param name="startTimeout">The time until a child connects.</param>
    /// <param name="options">The name of the caller's parameter with the options.</param>
    /// <exception cref="ArgumentException">The module has an invalid name, or an option cannot be used.</exception>
    public PythonStart(string module, IReadOnlyList<string> arguments, PythonOptions python, string variable, TimeSpan startTimeout,
        string options)
    {
        CheckModule(module);
        if (new[] { variable, ProtocolVersion.Variable }.FirstOrDefault(python.Environment.ContainsKey) is { } own)
            throw new ArgumentException($"The environment variable {own} is the library's own.", options);
        this.module = module;
        virtualEnvironment = python.VirtualEnvironment is { } folder ? Path.GetFullPath(folder) : null;
        imports = [.. python.ImportPaths.Select(Path.GetFullPath)];
        if (Array.Find(imports, static path => path.Contains(Path.PathSeparator, StringComparison.Ordinal)) is { } odd)
            throw new ArgumentException($"The import path {odd} has a '{Path.PathSeparator}', which separates paths.", options);
        Program = new(Interpreter(python), ["-m", "sluice.worker", module, .. arguments], variable, startTimeout, KeptErrors)
        {
            Environment = Environments(python.Environment),
            VersionRemedy = $"Install the package sluice of the service's version for the child: {Interpreter(python)} -m pip install "
                + $"./clients/python, in a clone of Sluice's sources of version {ProtocolVersion.Package}",
        };
    }

    public ChildProgram Program { get; }

    /// <summary>What hinders every start and is found without a process; null if nothing does. Files may change: ask before each
    /// start.</summary>
    public string? Obstacle()
    {
        if (virtualEnvironment is null || File.Exists(Program.Path)) return null;
        return Directory.Exists(virtualEnvironment)
            ? $"The folder {virtualEnvironment} (PythonOptions.VirtualEnvironment) is no virtual environment: there is no {Program.Path}. "
                + $"Make one with: python3 -m venv {virtualEnvironment}"
            : $"There is no folder {virtualEnvironment} (PythonOptions.VirtualEnvironment). Make the virtual environment with: "
                + $"python3 -m venv {virtualEnvironment}";
    }

    /// <summary>Explains why the interpreter was not started at all; null if the failure has another cause, or may have passed at the next
    /// start.</summary>
    public string? Explain(WorkerException failure)
        => failure.InnerException is not Win32Exception { NativeErrorCode: var code } || ChildProcess.MayPass(failure) ? null : code switch
        {
            NotFound when virtualEnvironment is null =>
                $"The Python interpreter {Program.Path} was not found. Install it (on Debian: apt-get install python3), or say where it "
                    + $"is: PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.",
            NotAllowed => $"The Python interpreter {Program.Path} may not be executed by this user. Say where another one is: "
                + $"PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.",
            _ => $"The Python interpreter {Program.Path} cannot be started: {failure.InnerException.Message}",
        };

    /// <summary>Explains why a child did not ask for work.</summary>
    /// <returns>A text, and whether another start does not help.</returns>
    public async Task<(string Text, bool IsFinal)> ExplainAsync(ChildStartFailure failure, CancellationToken life)
    {
        if (failure.Wrote.LastIndexOf(Mistake, StringComparison.Ordinal) is var at && at >= 0)
        {
            // The worker has found a mistake. Another start does not help against a module that is not there, or another version.
            string said = failure.Wrote[(at + Mistake.Length)..];
            return (WithAdvice(said), said.Contains(NoModule, StringComparison.Ordinal)
                || said.Contains(NoVersion, StringComparison.Ordinal));
        }
        if (failure.HowItEnded is not null && await PythonDiagnosis.OfAsync(Program, life).ConfigureAwait(false) is { } found)
        {
            if (found.IsOld)
                return ($"{Program.Path} is Python {found.Version}, and the package sluice needs 3.9 or later: say where such a Python is "
                    + $"with PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.", true);
            string finds = found.Other is { } other ? $"finds another package sluice at {other}, and not the one of this library"
                : "does not find the package sluice with its worker";
            if (!found.HasPackage)
                return ($"{Program.Path} (Python {found.Version}) {finds}: install it for this Python (pip install ./clients/python, in a "
                    + $"clone of Sluice's sources), or name the folder that has it in PythonOptions.ImportPaths{Searched()}.", true);
        }
        string worker = $"{Program.Path} -m sluice.worker {module}";
        return (failure.HowItEnded is null
            ? $"{Program.HowItFailed(failure)}: {worker} asks for it when the module is imported. {SlowImport}.{failure.Wrote}"
            : $"{Program.HowItFailed(failure)}: {worker} must ask for it as soon as it starts.{failure.Wrote}", false);
    }

    /// <summary>Adds what to do about a module that is not there to what a child has said of its mistake.</summary>
    public string WithAdvice(string said) => !said.Contains(NoModule, StringComparison.Ordinal) ? said
        : $"{said} Install what it needs for {Program.Path}, or name the folder that has it in PythonOptions.ImportPaths{Searched()}.";

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

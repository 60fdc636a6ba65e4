using Sluice.Policies;

namespace Sluice;

/// <summary>Which Python children are, and what they find: of an executor, and of stages of pipelines. Immutable.</summary>
public sealed record PythonOptions
{
    /// <summary>
    /// The interpreter, Python 3.9 or later: a path, or a name. Default <c>python3</c>. .NET looks a name up in the folder of this program
    /// and in the current directory before the <c>PATH</c>: give a path if others may write to one of the two. Not used with a
    /// <see cref="VirtualEnvironment"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public string Interpreter
    {
        get;
        init => field = string.IsNullOrWhiteSpace(value) ? throw new ArgumentException("The interpreter has no name.", nameof(Interpreter))
            : value;
    } = "python3";

    /// <summary>
    /// The folder of a virtual environment (<c>python3 -m venv FOLDER</c>), whose interpreter and packages are used. Null (the default) for
    /// none. A relative path begins at the current directory of this process.
    /// </summary>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public string? VirtualEnvironment
    {
        get;
        init => field = value is null || !string.IsNullOrWhiteSpace(value) ? value
            : throw new ArgumentException("The path of the virtual environment is empty. Leave it out to have none.",
                nameof(VirtualEnvironment));
    }

    /// <summary>
    /// Folders where modules are looked for, before those of <c>PYTHONPATH</c>; empty by default. A relative path begins at the current
    /// directory of this process. That directory itself comes first, as for any <c>python3 -m</c>.
    /// </summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyList<string> ImportPaths { get; init => field = [.. OptionValue.NotNull(value, nameof(PythonOptions))]; } = [];

    /// <summary>
    /// Environment variables of the children in addition to those of this process, which children have too; null removes one. Values are
    /// never logged.
    /// </summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyDictionary<string, string?> Environment
    {
        get;
        init => field = new Dictionary<string, string?>(OptionValue.NotNull(value, nameof(PythonOptions)));
    } = new Dictionary<string, string?>();

    /// <summary>The options without the values of <see cref="Environment"/>, which may be secrets.</summary>
    public override string ToString()
        => $"{VirtualEnvironment ?? Interpreter}{(ImportPaths.Count > 0 ? $", imports from {string.Join(", ", ImportPaths)}" : "")}";
}

using Sluice.Executors;

namespace Sluice.Flows;

public static partial class Executor
{
    /// <summary>
    /// Executes functions that are written in Python, in child processes: <c>python3 -m sluice.worker MODULE</c>. They start on demand,
    /// restart after their end, and end with the supervisor.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The module registers its functions with a <c>Worker</c> of the Python package <c>sluice</c>, which the interpreter must find: by
    /// <c>pip install ./clients/python</c>, or by <see cref="PythonOptions.ImportPaths"/>. A function is found by the name of its
    /// processor.
    /// </para>
    /// <para>
    /// Register the executor with the processors that are in Python (<see cref="Supervisor.Register(Processor, IExecutor)"/>); one executor
    /// can serve several. Apart from the language, children are as those of <see cref="Processes"/>. A processor fails at once if Python,
    /// the virtual environment, the package or the module is not there.
    /// </para>
    /// <para>Belongs to one supervisor, which disposes it.</para>
    /// </remarks>
    /// <param name="module">The name of the module, as for <c>python3 -m</c>: <c>words</c>, or <c>shop.words</c>; with the name of its
    /// <c>Worker</c> if it has several: <c>shop.words:worker</c>.</param>
    /// <param name="options">The interpreter, limits and timeouts.</param>
    /// <exception cref="ArgumentException">The module has an invalid name, or an option cannot be used.</exception>
    /// <example><code>
    /// supervisor.Register(words, Executor.Python("words", new() { Python = new() { VirtualEnvironment = ".venv" } }));
    /// </code></example>
    public static IExecutor Python(string module, PythonExecutorOptions? options = null)
    {
        options ??= new();
        return new ProcessExecutor(options.MaxProcesses, options.Process, new PythonProgram(module, options));
    }
}

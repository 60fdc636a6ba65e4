using Sluice.Flows;
using Sluice.Tests.Flows;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <summary>Services with processors in Python: real children, with the package of this repository.</summary>
internal static class PythonLab
{
    /// <summary>The folder of this repository that has the package <c>sluice</c>.</summary>
    public static string Package { get; } = Path.Combine(Root(), "clients", "python");

    /// <summary>The folder with the modules of the tests.</summary>
    public static string Modules { get; } = Path.Combine(AppContext.BaseDirectory, "Executors", "Python");

    public static IExecutor Executor(string module = "processors", int count = 2, ProcessExecutorOptions? process = null)
        => Sluice.Flows.Executor.Python(module, new()
        {
            MaxProcesses = count,
            Python = new() { ImportPaths = [Package, Modules] },
            Process = process ?? new()
        });

    /// <summary>How many children a test kills: as many as <c>SLUICE_PYTHON_KILLS</c> says, otherwise a few.</summary>
    public static int Kills(int usual)
        => int.TryParse(Environment.GetEnvironmentVariable("SLUICE_PYTHON_KILLS"), out int asked) ? asked : usual;

    /// <summary>The Python children of this process.</summary>
    public static int[] Children() => [.. WorkerProgram.Children("sluice.worker")];

    public static async Task<string> FailureAsync(FlowRun run) => (await Assert.ThrowsAsync<FlowException>(
        () => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation))).Message;

    private static string Root()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
        return at.FullName;
    }
}

namespace Sluice.Flows;

/// <summary>The environment variable that marks an executor's child process.</summary>
internal static class ExecutorEnvironment
{
    /// <summary>The name of the variable, which the worker removes when it starts.</summary>
    public const string Variable = "SLUICE_PROCESSORS";

    /// <summary>Throws in a child that does not run as a worker: it would be a further service, and start children of its own.</summary>
    public static void ThrowIfWaiting()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null) return;
        throw new InvalidOperationException(
            "This process was started to execute the functions of processors for another one (Executor.Processes), and its program has "
                + "not asked for that: it would be a service of its own. "
            + "Before the supervisor is attached must stand: if (await Worker.TryRunAsWorkerAsync(functions)) return;");
    }
}

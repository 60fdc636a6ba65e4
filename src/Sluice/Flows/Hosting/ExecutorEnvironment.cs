namespace Sluice;

/// <summary>By what a process knows that it was started to execute functions for another one.</summary>
internal static class ExecutorEnvironment
{
    /// <summary>The variable of its environment; taken out when it has asked.</summary>
    public const string Variable = "SLUICE_PROCESSORS";

    /// <summary>A process that has not asked would be one more service, and start children of its own.</summary>
    public static void ThrowIfWaiting()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null) return;
        throw new InvalidOperationException(
            "This process was started to execute the functions of processors for another one (Executor.Processes), and its program has not asked for that: it would be a service of its own. "
            + "Before the supervisor is attached must stand: if (await Worker.TryRunAsWorkerAsync(functions)) return;");
    }
}

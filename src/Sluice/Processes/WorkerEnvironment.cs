namespace Sluice.Processes;

/// <summary>The environment variable and the argument that mark a worker of a pipeline's stage.</summary>
internal static class WorkerEnvironment
{
    /// <summary>The name of the variable, which the worker removes when it starts.</summary>
    public const string Variable = "SLUICE_WORKER";

    /// <summary>The first argument of a worker; the name of its body follows.</summary>
    public const string Argument = "--sluice-worker";

    /// <summary>Throws in a worker that does not run as one: it would start workers of its own.</summary>
    public static void ThrowIfWaiting()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null) return;
        throw new InvalidOperationException(
            "This process was itself started as a worker, and its program has not asked for that: it would start workers without end. "
                + "The first line of Main must be: if (await Worker.TryRunAsWorkerAsync(args, name => …)) return;");
    }
}

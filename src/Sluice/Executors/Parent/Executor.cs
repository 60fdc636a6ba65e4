namespace Sluice;

/// <summary>Where the functions of processors can be executed (<see cref="SupervisorOptions.Executor"/>).</summary>
public static class Executor
{
    /// <summary>
    /// In child processes: copies of this program, which are started when there is something to execute, and again when they have ended. They end with the supervisor.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The program says <c>if (await Worker.TryRunAsWorkerAsync(functions, options)) return;</c> before it opens a store (<see cref="Worker.TryRunAsWorkerAsync(ProcessorFunctions, SupervisorOptions)"/>); with <c>Sluice.Hosting</c> that is done when the host starts.
    /// </para>
    /// <para>
    /// A function goes to the child that executes the fewest; a child executes any number at a time (<see cref="SupervisorOptions.MaxConcurrency"/> bounds how many are at work in the service). When a child ends, all its functions are started
    /// again from where their processors were, each in a process of its own as far as there are no more than <paramref name="count"/> of them, so that the one that is to blame harms no other again; after
    /// <see cref="SupervisorOptions.MaxStarts"/> starts a processor has failed, with how its process has ended. A function that does not end after it was cancelled is ended with its process, when nothing else is executed there.
    /// </para>
    /// <para>Belongs to one supervisor, which disposes it.</para>
    /// </remarks>
    /// <param name="count">How many processes, 1 to 256.</param>
    /// <param name="options">Which program, and what it may do.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public static IExecutor Processes(int count, ProcessExecutorOptions? options = null)
    {
        if (count is < 1 or > 256) throw new ArgumentOutOfRangeException(nameof(count), count, "From 1 to 256.");
        return new ProcessExecutor(count, options ?? new());
    }
}

using Sluice.Executors;

namespace Sluice.Flows;

/// <summary>
/// Makes executors for the functions of all processors of a service (<see cref="SupervisorOptions.Executor"/>), or of some
/// (<see cref="Supervisor.Register(Processor, IExecutor)"/>).
/// </summary>
public static partial class Executor
{
    /// <summary>
    /// Executes functions in child processes: copies of this program, which start on demand, restart after their end, and end with the
    /// supervisor.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The program calls <c>if (await Worker.TryRunAsWorkerAsync(functions, options)) return;</c> before it opens a store
    /// (<see cref="Worker.TryRunAsWorkerAsync(ProcessorFunctions, SupervisorOptions)"/>). With <c>Sluice.Hosting</c>, the start of the host
    /// does that.
    /// </para>
    /// <para>
    /// A function goes to the child with the fewest functions. A child runs any number at a time;
    /// <see cref="SupervisorOptions.MaxConcurrency"/> bounds the number in the service. If a child ends, its functions start again, up to
    /// <paramref name="count"/> of them in a process of their own, so that the one at fault harms no other again. After
    /// <see cref="SupervisorOptions.MaxStarts"/> starts the processor fails, and the error says how its process ended. If a function
    /// ignores its cancellation, its child is killed as soon as the child runs no other.
    /// </para>
    /// <para>Belongs to one supervisor, which disposes it.</para>
    /// </remarks>
    /// <param name="count">The number of processes, 1 to 256.</param>
    /// <param name="options">The program, its arguments, limits and timeouts.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public static IExecutor Processes(int count, ProcessExecutorOptions? options = null)
    {
        if (count is < 1 or > 256) throw new ArgumentOutOfRangeException(nameof(count), count, "From 1 to 256.");
        options ??= new();
        return new ProcessExecutor(count, options, new DotnetProgram(options));
    }
}

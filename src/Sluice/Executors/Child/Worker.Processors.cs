using System.Runtime.InteropServices;

namespace Sluice;

public static partial class Worker
{
    /// <summary>
    /// If this process was started to execute functions of processors for another one (<see cref="Executor.Processes"/>), does so until that wants no more, or has ended. To be called before a store is opened or a supervisor attached.
    /// </summary>
    /// <remarks>
    /// The child is this program, with the same arguments (unless <see cref="ProcessExecutorOptions.Arguments"/> says otherwise): what is found here by the name of a processor is what the service has registered. Values are read and written, and services are
    /// resolved, as <paramref name="options"/> say. Ctrl+C and SIGTERM, which reach the whole group of processes, are left to the one that has started it.
    /// </remarks>
    /// <param name="functions">The processors, and what they do; those that the service registers.</param>
    /// <param name="options">Serializers, services and clock are taken from here: the same as the supervisor's.</param>
    /// <returns>Whether it was a child, and its work is done: then the program is to end.</returns>
    /// <exception cref="ArgumentException">A parameter or the result of a function is nothing that can be bound; names it. Only in a child.</exception>
    /// <example><code>
    /// var functions = new ProcessorFunctions { { foobar, MultiplyAsync }, { total, SumAsync } };
    /// var options = new SupervisorOptions { Name = "shop-1", Executor = Executor.Processes(4) };
    /// if (await Worker.TryRunAsWorkerAsync(functions, options)) return;
    /// await using var store = await SqliteStreamStore.OpenAsync("flows.db");
    /// await using var supervisor = Supervisor.Attach(store, options);
    /// supervisor.Register(functions);
    /// </code></example>
    public static async Task<bool> TryRunAsWorkerAsync(ProcessorFunctions functions, SupervisorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(functions);
        if (WorkerToken.Take(ExecutorEnvironment.Variable) is not { } invitation) return false;
        options ??= new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        BoundFunction[] bound = functions.Bind(options.Services ?? ProcessorServices.None);
        if (await ChildLink.TryConnectAsync(invitation, options, bound).ConfigureAwait(false) is not { } link) return true;
        using (link) await link.RunAsync(StopGrace).ConfigureAwait(false);
        return true;
    }
}

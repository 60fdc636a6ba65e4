using Sluice.ChildProcesses;
using Sluice.Executors;
using Sluice.Flows;

namespace Sluice;

public static partial class Worker
{
    /// <summary>
    /// Executes functions of processors if this process is a child of an executor (<see cref="Executor.Processes"/>), until the parent
    /// needs it no more or ends.
    /// </summary>
    /// <remarks>
    /// Call it before a store is opened or a supervisor attached. The child is this program with the same arguments, unless
    /// <see cref="ProcessExecutorOptions.Arguments"/> says otherwise. It finds a function by the name of its processor. Ctrl+C and SIGTERM,
    /// which reach all processes of the group, are ignored: the parent handles them.
    /// </remarks>
    /// <param name="functions">The processors and their functions, the same as the service registers.</param>
    /// <param name="options">The serializers, services and clock; use the same options as the supervisor.</param>
    /// <returns>Whether this process was a child, and its work is done; then end the program.</returns>
    /// <exception cref="ArgumentException">A parameter or result of a function cannot be bound; the message names it. Only in a
    /// child.</exception>
    /// <exception cref="InvalidOperationException">The service is too old for this version of the library. Only in a child.</exception>
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
        if (ChildToken.Take(ExecutorEnvironment.Variable) is not { } token) return false;
        options ??= new();
        var worker = new RemoteWorker(functions.Bind(options), options, token.MaxPayloadBytes,
            "a child process", "ProcessExecutorOptions.MaxValueBytes");
        await ParentConnection.RunAsync(token, CallLimits.MaxFrame(token.MaxPayloadBytes),
            parent => new CallLink(parent, worker).RunAsync(ParentConnection.StopGrace)).ConfigureAwait(false);
        return true;
    }
}

using System.Runtime.InteropServices;

namespace Sluice;

/// <summary>What a program does that is started as a worker of another copy of itself (<see cref="Pipe.InProcesses"/>).</summary>
public static partial class Worker
{
    internal static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);

    /// <summary>If this process was started as a worker, works until the process that has started it wants no more, or has ended. To be called before anything else is done.</summary>
    /// <remarks>
    /// A worker ends when its connection does. Ctrl+C and SIGTERM, which reach the whole group of processes, are left to the one that has started it.
    /// What the program's standard output is, is the worker's as well; its standard input is empty.
    /// </remarks>
    /// <param name="args">The arguments of the program. Those of a worker are <c>--sluice-worker</c>, the name of the body, and then <see cref="ProcessOptions.Arguments"/>.</param>
    /// <param name="bodies">Makes the body of a name; null if there is none.</param>
    /// <returns>Whether it was a worker, and its work is done: then the program is to end.</returns>
    /// <example><code>
    /// if (await Worker.TryRunAsWorkerAsync(args, name => name == "parse" ? WorkerBody.Of(Stages.Parse) : null)) return;
    /// await (Source.Lines("big.log") | Pipe.InProcesses&lt;string, Hit&gt;("parse", new() { Workers = 4 }) | Save).RunAsync();
    /// </code></example>
    public static async Task<bool> TryRunAsWorkerAsync(string[] args, Func<string, WorkerBody?> bodies)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(bodies);
        if (args is not [WorkerToken.Argument, var name, ..]) return false;
        if (WorkerToken.Take() is not { } invitation)
            throw new InvalidOperationException($"{WorkerToken.Argument} is for processes that a pipeline starts by itself (Pipe.InProcesses).");
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        if (await WorkerLink.TryConnectAsync(invitation).ConfigureAwait(false) is not { } link) return true;
        using (link) await RunAsync(link, name, bodies).ConfigureAwait(false);
        return true;
    }

    private static async Task RunAsync(WorkerLink link, string name, Func<string, WorkerBody?> bodies)
    {
        WorkerBody body;
        try
        {
            body = bodies(name) ?? throw new InvalidOperationException($"The program knows no body '{name}': the function that is given to Worker.TryRunAsWorkerAsync returned null.");
        }
        catch (Exception e)
        {
            link.SayHello("", "");
            link.Say(FrameKind.Refused, e.Message);
            link.Close();
            await link.SendAsync().ConfigureAwait(false);
            return;
        }
        await body.RunAsync(link).ConfigureAwait(false);
    }
}

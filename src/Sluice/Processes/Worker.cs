using Sluice.ChildProcesses;
using Sluice.Processes;

namespace Sluice;

/// <summary>Runs a program as a worker of another copy of itself (<see cref="Pipe.InProcesses"/>).</summary>
public static partial class Worker
{
    /// <summary>
    /// Runs a body if this process is a worker of a pipeline, until the parent needs it no more or ends. Call it before anything else.
    /// </summary>
    /// <remarks>
    /// A worker ends when its connection ends. Ctrl+C and SIGTERM, which reach all processes of the group, are ignored: the parent handles
    /// them. A worker shares the parent's standard output; its standard input is empty.
    /// </remarks>
    /// <param name="args">The arguments of the program. A worker's are <c>--sluice-worker</c>, the name of the body, and
    /// <see cref="ProcessOptions.Arguments"/>.</param>
    /// <param name="bodies">Makes the body of a name; returns null if there is none.</param>
    /// <returns>Whether this process was a worker, and its work is done; then end the program.</returns>
    /// <exception cref="InvalidOperationException">The process was started by hand, or by a parent that is too old for this version of the
    /// library.</exception>
    /// <example><code>
    /// if (await Worker.TryRunAsWorkerAsync(args, name => name == "parse" ? WorkerBody.Of(Stages.Parse) : null)) return;
    /// await (Source.Lines("big.log") | Pipe.InProcesses&lt;string, Hit&gt;("parse", new() { Workers = 4 }) | Save).RunAsync();
    /// </code></example>
    public static async Task<bool> TryRunAsWorkerAsync(string[] args, Func<string, WorkerBody?> bodies)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(bodies);
        if (args is not [WorkerEnvironment.Argument, var name, ..]) return false;
        if (ChildToken.Take(WorkerEnvironment.Variable) is not { } token)
            throw new InvalidOperationException(
                $"{WorkerEnvironment.Argument} is for processes that a pipeline starts by itself (Pipe.InProcesses).");
        await ParentConnection.RunAsync(token, WorkerLink.MaxFrame(token.MaxPayloadBytes),
            parent => RunAsync(new(parent, name), name, bodies)).ConfigureAwait(false);
        return true;
    }

    private static async Task RunAsync(WorkerLink link, string name, Func<string, WorkerBody?> bodies)
    {
        WorkerBody body;
        try
        {
            body = bodies(name) ?? throw new InvalidOperationException(
                $"The program knows no body '{name}': the function that is given to Worker.TryRunAsWorkerAsync returned null.");
        }
        catch (Exception e)
        {
            link.SayHello("", "");
            link.Say(FrameKind.Refused, FailureText.MessageOf(e));
            link.Close();
            await link.SendAsync().ConfigureAwait(false);
            return;
        }
        await body.RunAsync(link).ConfigureAwait(false);
    }
}

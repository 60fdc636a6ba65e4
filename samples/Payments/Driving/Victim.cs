namespace Payments.Driving;

/// <summary>The server, whichever process it is at present. Any thread may ask where it is.</summary>
internal sealed class Victim(IReadOnlyList<string> arguments) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private ServerProcess server = ServerProcess.Start(arguments);

    /// <summary>How often it was killed.</summary>
    public int Killed { get; private set; }

    /// <summary>Where it listens now, or will when it has started.</summary>
    /// <exception cref="ServerEndedException">It ended by itself.</exception>
    public async Task<Addresses> FindAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var process = Volatile.Read(ref server);
            try
            {
                return await process.Addresses.WaitAsync(cancellation);
            }
            catch (ServerEndedException) when (process.IsKilled)
            {
                await Task.Delay(Pause, cancellation);
            }
        }
    }

    /// <summary>Kills it as planned, and starts it again each time.</summary>
    /// <exception cref="ServerEndedException">It had ended by itself before.</exception>
    /// <param name="kills">When.</param>
    /// <param name="tally">How many payments are acknowledged.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task KillAsync(IEnumerable<Kill> kills, Tally tally, CancellationToken cancellation)
    {
        foreach (var kill in kills)
        {
            await FindAsync(cancellation);
            await tally.UntilAsync(kill.At, cancellation);
            await Task.Delay(kill.Delay, cancellation);
            await KillAndStartAsync();
            if (kill.WhileStarting is not { } later) continue;
            await Task.Delay(later, cancellation);
            await KillAndStartAsync();
        }
    }

    /// <inheritdoc cref="ServerProcess.CheckAliveAsync"/>
    public Task CheckAliveAsync() => Volatile.Read(ref server).CheckAliveAsync();

    /// <inheritdoc cref="ServerProcess.TerminateAsync"/>
    public Task<int> TerminateAsync(CancellationToken cancellation) => server.TerminateAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => server.Dispose();

    private async Task KillAndStartAsync()
    {
        var old = server;
        await old.KillAsync();
        Killed++;
        Volatile.Write(ref server, ServerProcess.Start(arguments));
        old.Dispose();
    }
}

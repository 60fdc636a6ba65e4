namespace Sluice.FlowTorture;

/// <summary>One of a run's services: a process that is killed at random moments and started again, until the run is over.</summary>
/// <remarks>A moment is a number of values that have come out, and a few milliseconds: so each life has been good for something, however
/// busy the machine is, and the run comes to its end.</remarks>
/// <param name="options">What its processes do.</param>
/// <param name="dice">When it dies, and for how long.</param>
/// <param name="progress">How far the run has come.</param>
/// <param name="values">How many values there will be.</param>
/// <param name="mostKills">How often it is killed at most.</param>
/// <param name="isRenamed">Whether it comes back under another name, so that what it had is taken over from somebody silent.</param>
internal sealed class Service(ServiceOptions options, Dice dice, Progress progress, int values, int mostKills, bool isRenamed)
    : IAsyncDisposable
{
    private readonly List<string> said = [];
    private ServiceProcess? process;

    public string Name => options.Name;

    public int Kills { get; private set; }

    /// <summary>What its processes have warned of.</summary>
    public string Said => string.Join("", said);

    /// <summary>Returns when the run is over, with a process that lives.</summary>
    /// <param name="over">The run is over.</param>
    /// <exception cref="TortureException">A process has ended by itself.</exception>
    public async Task LiveAsync(CancellationToken over)
    {
        for (int life = 1; ; life++)
        {
            process = new(isRenamed ? options with { Name = $"{options.Name}.{life}" } : options);
            if (!await IsTimeAsync(life, over)) return;
            said.Add(await process.KillAsync());
            process.Dispose();
            process = null;
            Kills++;
            if (dice.Chance(30)) await WaitAsync(Task.Delay(Some(9), CancellationToken.None), over);          // nobody is there for a while
        }
    }

    /// <summary>Stops its process now and then for longer than its lease: others take over, and it goes on.</summary>
    public async Task StopNowAndThenAsync(Dice dice, CancellationToken over)
    {
        try
        {
            while (true)
            {
                await Task.Delay(dice.Between(500, 8000), over);
                if (process is { Ended.IsCompleted: false, Id: var id }) await StoppedProcess.StopAsync(id, dice, over);
            }
        }
        catch (OperationCanceledException)
        {
            // the run is over
        }
    }

    /// <summary>Ends the process that lives, as an administrator would.</summary>
    /// <exception cref="TortureException">It does not end well.</exception>
    public async Task EndAsync(CancellationToken cancellation)
    {
        if (process is null) return;
        int code = await process.EndAsync(cancellation);
        if (code != 0)
            throw new TortureException($"the service {Name} was asked to end, and ended with {code}: {await process.SaidAsync()}");
    }

    /// <summary>Whatever it still does, it does not any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (process is null) return;
        said.Add(await process.KillAsync());
        process.Dispose();
        process = null;
    }

    /// <summary>Waits until it is to die.</summary>
    /// <returns>False if the run is over before.</returns>
    private async Task<bool> IsTimeAsync(int life, CancellationToken over)
    {
        ServiceProcess living = process!;
        if (!await WaitAsync(WhenAsync(), over)) return false;
        if (living.Ended.IsCompleted) throw new TortureException($"the service {Name} has ended by itself: {await living.SaidAsync()}");
        return true;

        async Task WhenAsync()
        {
            if (Kills == mostKills) await living.Ended;
            bool isAtBirth = life > 1 && dice.Chance(20);          // while it starts, perhaps, if it has had its life before
            long more = life == 1 ? dice.Below(values * 6 / 10) : 1 << (3 + dice.Below(10));
            if (!isAtBirth) await Task.WhenAny(progress.ReachAsync(progress.Count + more), living.Ended);
            await Task.WhenAny(Task.Delay(Some(isAtBirth ? 9 : 6), CancellationToken.None), living.Ended);
        }
    }

    /// <returns>False if the run is over before.</returns>
    private static async Task<bool> WaitAsync(Task what, CancellationToken over)
    {
        try
        {
            await what.WaitAsync(over);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Short times as often as long ones.
    private TimeSpan Some(int doublings) => TimeSpan.FromMilliseconds((1 << dice.Below(doublings)) * (1 + (dice.Below(1000) / 1000.0)));
}

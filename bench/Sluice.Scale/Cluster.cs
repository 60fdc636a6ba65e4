using System.Globalization;
using Sluice.Storage;

namespace Sluice.Scale;

/// <summary>The hosts, from their start to the time when others have the work of those that died.</summary>
internal sealed class Cluster
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250), LongestWait = TimeSpan.FromHours(1);
    private static readonly GroupId Group = new(Host.Orders, Host.Orders);

    private readonly ScaleOptions options;
    private readonly Network network;
    private readonly List<Host> hosts;

    public Cluster(ScaleOptions options)
    {
        this.options = options;
        Network? made = null;
        Time = new(() => made?.All ?? 0);
        network = made = new(new MemoryStreamStore(Time.Clock), options, Time.Clock);
        hosts = [.. Enumerable.Range(0, options.Hosts).Select(number => new Host($"host-{number}", options, network, Time.Clock, Items))];
    }

    public VirtualTime Time { get; }

    public Items Items { get; } = new();

    public async Task<IReadOnlyList<Phase>> RunAsync()
    {
        List<Phase> phases = [];
        phases.Add(await MeasureAsync("start", async () =>
        {
            await PassAsync(Task.WhenAll(hosts.Select(host => Task.Run(host.StartAsync))));
            await UntilSharedAsync(options.Hosts);
        }));
        phases.Add(await MeasureAsync("idle", SecondsAsync));
        foreach (Host host in hosts) host.BeginToSend();
        phases.Add(await MeasureAsync($"{options.Rate} items a second", SecondsAsync));
        for (int i = 0; i < options.Flows; i++)
        {
            Host host = hosts[i % hosts.Count];
            await PassAsync(Task.Run(host.StartFlowAsync));
        }
        phases.Add(await MeasureAsync($"and {options.Flows} flows", SecondsAsync));
        foreach (Host host in hosts.Take(options.Deaths)) host.Die();
        phases.Add(await MeasureAsync($"{options.Deaths} hosts die, until others have their partitions", UntilTakenOverAsync));
        phases.Add(await MeasureAsync("until shares are even", () => UntilSharedAsync(options.Hosts - options.Deaths)));
        phases.Add(await MeasureAsync("afterwards", SecondsAsync));
        foreach (Host host in hosts) host.EndToSend();
        await UntilAsync(IsIdleAsync, "The items are not processed");
        return phases;
    }

    private Task SecondsAsync() => Time.PassAsync(TimeSpan.FromSeconds(options.Seconds));

    private async Task PassAsync(Task until)
    {
        await Time.PassAsync(LongestWait, until);
        if (!until.IsCompleted) throw new InvalidOperationException("A call does not end within an hour of virtual time.");
        await until;
    }

    private async Task<Phase> MeasureAsync(string name, Func<Task> pass)
    {
        (TimeSpan begun, IReadOnlyDictionary<string, long> before) = (Time.Elapsed, network.Counts());
        await pass();
        TimeSpan duration = Time.Elapsed - begun;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {duration.TotalSeconds:0.0} virtual seconds, "
            + $"{network.All} calls, {Time.Moves} moves of the clock"));
        return new(name, duration, network.Counts().ToDictionary(pair => pair.Key, pair => pair.Value - before.GetValueOrDefault(pair.Key)),
            await SharesAsync(), hosts.Count(host => !host.IsDead));
    }

    /// <summary>Waits until no partition has an owner that is dead, or none.</summary>
    private Task UntilTakenOverAsync() => UntilAsync(async () => (await SharesAsync()).Sum() == options.Partitions,
        "The partitions of dead hosts are not taken over");

    /// <summary>Waits until so many hosts have all partitions, as evenly as can be.</summary>
    private Task UntilSharedAsync(int living) => UntilAsync(async () =>
    {
        IReadOnlyList<int> shares = await SharesAsync();
        return shares.Count == Math.Min(living, options.Partitions) && shares.Sum() == options.Partitions
            && shares.Max() - shares.Min() <= 1;
    }, "The partitions are not shared evenly");

    private async Task UntilAsync(Func<Task<bool>> condition, string otherwise)
    {
        for (TimeSpan end = Time.Elapsed + LongestWait; !await condition();)
        {
            if (Time.Elapsed > end)
                throw new InvalidOperationException($"{otherwise} within an hour: {string.Join(' ', await SharesAsync())}");
            await Time.PassAsync(Look);
        }
    }

    /// <summary>The numbers of partitions that living hosts have.</summary>
    private async Task<IReadOnlyList<int>> SharesAsync()
    {
        HashSet<string> living = [.. hosts.Where(host => !host.IsDead).Select(host => host.Name)];
        return await network.Store.FindGroupAsync(Group) is not { } group ? [] : [.. group.Partitions
            .Where(partition => partition.Owner is { } owner && living.Contains(owner))
            .GroupBy(partition => partition.Owner).Select(partitions => partitions.Count())];
    }

    private async Task<bool> IsIdleAsync() => (await network.Store.FindGroupAsync(Group))!.Partitions
        .All(partition => partition.Done == partition.Tail && partition.Waiting == 0);
}

using System.Text;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Programs;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.Torture.Tests.Members;

/// <summary>A committed item.</summary>
/// <param name="Key">The item's key.</param>
/// <param name="Number">Its number.</param>
/// <param name="Member">The member that processed it.</param>
internal sealed record Done(string Key, int Number, string Member);

/// <summary>
/// A server of Redis or PostgreSQL, a sender, and processes that run the same consecutor. Tests wait for what the store shows.
/// </summary>
internal sealed class MemberRig : IAsyncDisposable
{
    public static readonly GroupId Group = new("work", "work");

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);          // long enough for a busy machine
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);     // between two reads of the store

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-members-");
    private readonly List<MemberProcess> processes = [];
    private readonly List<Done> done = [];
    private readonly IAsyncDisposable server;
    private readonly string address;
    private readonly int partitions;
    private readonly Consecutor<string> sender;
    private readonly CancellationTokenSource patience =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private long next = 1;

    private MemberRig(IAsyncDisposable server, string address, IStreamStore store, int partitions)
    {
        (this.server, this.address, Store, this.partitions) = (server, address, store, partitions);
        sender = new("work", static source => source | (static _ => { }),
            new() { Store = store, InstanceId = "sender", Stream = new() { Partitions = partitions } })
        {
            Key = static item =>
                item.Split(':')[0]
        };
        patience.CancelAfter(Patience);
    }

    public IStreamStore Store { get; }

    /// <summary>The committed items, in order of commit.</summary>
    public IReadOnlyList<Done> Done => done;

    public CancellationToken Cancellation => patience.Token;

    public static async Task<MemberRig> StartAsync(int partitions)
    {
        RedisServer server = await RedisServer.StartAsync();
        return await StartAsync(server, server.Address, await RedisStreamStore.ConnectAsync(server.Address), partitions);
    }

    public static async Task<MemberRig> StartOnPostgresAsync(int partitions)
    {
        PostgresServer server = await PostgresServer.StartAsync();
        return await StartAsync(server, server.Address, await PostgresStreamStore.OpenAsync(server.Address), partitions);
    }

    private static async Task<MemberRig> StartAsync(IAsyncDisposable server, string address, IStreamStore store, int partitions)
    {
        var rig = new MemberRig(server, address, store, partitions);
        await store.OpenStreamAsync("done", new() { Partitions = 1 });
        return rig;
    }

    public MemberProcess Start(string name, Func<MemberSetup, MemberSetup>? change = null)
    {
        MemberSetup setup = Setup(name);
        var started = new MemberProcess(change?.Invoke(setup) ?? setup);
        processes.Add(started);
        return started;
    }

    public async Task SendAsync(params string[] items) => await sender.SendAllAsync(items, Cancellation);

    /// <summary>Lets failing items succeed from now on.</summary>
    public Task MendAsync() => File.WriteAllTextAsync(Setup("").MendedFile, "", Cancellation);

    /// <summary>Sets whether the commits of a member are answered.</summary>
    public void Answer(string member, bool answers)
    {
        if (answers) File.Delete(Setup(member).DeafFile);
        else File.WriteAllText(Setup(member).DeafFile, "");
    }

    /// <summary>The number of partitions that a member owns.</summary>
    public async Task<int> CountAsync(string member)
        => (await Store.FindGroupAsync(Group, Cancellation))?.Partitions.Count(partition => partition.Owner == member) ?? 0;

    /// <summary>The number of items that wait: for a retry, for an item of their key, for a node, or to run alone.</summary>
    public async Task<long> WaitingAsync() => (await Store.FindStreamAsync("work", Cancellation))!.Groups.SingleOrDefault(static group =>
        group.Name == "work")?.Waiting ?? 0;

    public Task<IReadOnlyList<StoredDeadLetter>> LettersAsync() => Store.ListDeadAsync(Group, cancellation: Cancellation).AsTask();

    public Task UntilAsync(Func<bool> isSo) => UntilAsync(() => Task.FromResult(isSo()));

    /// <summary>Polls until a condition is true.</summary>
    public async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var timer = new PeriodicTimer(Between);
        try
        {
            while (true)
            {
                await ReadAsync();
                if (await isSo()) return;
                await timer.WaitForNextTickAsync(Cancellation);
            }
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"It has not come to it within {Patience}: {await DescribeAsync()}");
        }
    }

    public async Task<string> DescribeAsync()
    {
        GroupInfo? group = await Store.FindGroupAsync(Group, CancellationToken.None);
        StreamInfo? stream = await Store.FindStreamAsync("work", CancellationToken.None);
        var text = new StringBuilder().AppendLine($"{done.Count} done; {string.Join(", ", stream?.Groups ?? [])}");
        foreach (PartitionInfo partition in group?.Partitions ?? []) text.AppendLine($"{partition}");
        text.AppendLine(string.Join(", ", group?.Members ?? []));
        foreach (MemberProcess one in processes) text.AppendLine(
            $"{one.Name}: {(one.Ended.IsCompleted ? $"has ended: {await one.SaidAsync()}" : "lives")}, {one.Starts.Count} starts");
        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (MemberProcess process in processes) process.Dispose();
        await sender.DisposeAsync();
        await Store.DisposeAsync();
        await server.DisposeAsync();
        patience.Dispose();
        directory.Delete(recursive: true);
    }

    private MemberSetup Setup(string name) => new(name, address, directory.FullName, LeaseTime, partitions);

    private async Task ReadAsync()
    {
        while (true)
        {
            ReadResult read = await Store.ReadAsync(new("done", 0, next), Cancellation);
            if (read.Entries.Length == 0) return;
            foreach (Entry entry in read.Entries.ToArray())
            {
                string[] words = Encoding.UTF8.GetString(entry.Payload.Span).Split(' ', ':');
                done.Add(new(words[0], int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture), words[^1]));
                next = entry.Sequence + 1;
            }
        }
    }
}

using System.Diagnostics;
using System.Text;
using Sluice.PostgreSql;
using Sluice.Redis;
using Sluice.Sqlite;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Programs;

/// <summary>
/// A process that runs a consecutor, beside others that run the same one, until its input ends. An item is a key, a number, and perhaps
/// what is to happen: <c>k:1:kill</c>.
/// What it starts it says; what is committed stands in the stream <c>done</c>.
/// </summary>
internal static class MemberLife
{
    public static async Task RunAsync(MemberSetup setup)
    {
        var time = new ShiftedTime(TimeSpan.FromHours(setup.HoursAhead));
        await using IStreamStore store = setup.Store.StartsWith('/')
            ? await SqliteStreamStore.OpenAsync(setup.Store, Durability.Process, new() { Time = time })
            : setup.Store.StartsWith("Host=", StringComparison.Ordinal)
            ? await PostgresStreamStore.OpenAsync(setup.Store, new() { Time = time })
            : await RedisStreamStore.ConnectAsync(setup.Store, new() { Time = time });
        await using var work = new Consecutor<string>("work", source => Later(source, setup) |
        [
            all => all | ((string item, ItemContext context) => ObeyAsync(item, context, setup)),
            all => all | (Sink.Commit(() => new DoneSink(setup.Name)) | Stage.Named("done")),
        ], new()
        {
            Store = new DeafStore(store, setup.DeafFile),
            InstanceId = setup.Name,
            LeaseDuration = setup.LeaseTime,
            CodeVersion = setup.CodeVersion,
            Delivery = DeliveryGuarantee.Replay(setup.Replays, Backoff.Constant(TimeSpan.FromMilliseconds(100))),
            Stream = new() { Partitions = setup.Partitions },
            MaxInFlight = 64,
            Run = new() { Time = time },
        })
        { Key = static item => item.Split(':')[0] };
        await work.StartAsync();
        Console.Out.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null) { }
        await work.StopAsync();
    }

    private static Source<string> Later(Source<string> source, MemberSetup setup) => !setup.HasLater ? source : source | (item =>
    {
        if (item.EndsWith(":later", StringComparison.Ordinal)) FailUntilMended(item, setup);
        return item;
    }) | Stage.Named("later");

    private static async Task ObeyAsync(string item, ItemContext context, MemberSetup setup)
    {
        Console.Out.WriteLine($"{item} {context.Attempt}");
        if (item.EndsWith(":kill", StringComparison.Ordinal))
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
        if (item.EndsWith(":fail", StringComparison.Ordinal)) FailUntilMended(item, setup);
        if (item.EndsWith(":hold", StringComparison.Ordinal))
            while (!File.Exists(setup.MendedFile)) await Task.Delay(TimeSpan.FromMilliseconds(20));
    }

    private static void FailUntilMended(string item, MemberSetup setup)
    {
        if (!File.Exists(setup.MendedFile)) throw new TimeoutException($"{item} is to fail");
    }

    /// <summary>Writes a line per item into a stream of the store, within the commits.</summary>
    private sealed class DoneSink(string member) : TransactionalSink<string>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<string> commit, CancellationToken cancellation)
        {
            var lines = new EntryBatch { Stream = "done" };
            foreach (StagedItem<string> item in commit.Items) lines.Add(Encoding.UTF8.GetBytes($"{item.Value} {member}"));
            commit.Append(new("done", lines));
            return default;
        }
    }

    /// <summary>A connection that does everything but commits, while a file is there.</summary>
    private sealed class DeafStore(IStreamStore inner, string file) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => File.Exists(file) ? throw new StreamStoreException("Commits are not answered, as the test wants.")
            : base.CommitAsync(commit, cancellation);
    }

    private sealed class ShiftedTime(TimeSpan ahead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;
    }
}

using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>Changes of a SQLite store that another process has open: that process makes them.</summary>
public sealed class OwnerTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    private string SocketPath => StorePath + "-socket";

    private async Task<SampleProcess> StartOwnerAsync(string accepts = "accepts")
    {
        SampleProcess owner = SampleProcess.Start("Sluice.Programs", Folder, "owner", StorePath, accepts, "3");
        await owner.ReadUntilAsync(static line => line == "idle");
        return owner;
    }

    [Fact]
    public async Task TheProcessThatHasTheStoreRedrivesAndDiscards()
    {
        using SampleProcess owner = await StartOwnerAsync();
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
        JsonElement letters = await RunJsonAsync("dead", Store);
        string second = letters[1].GetProperty("number").ToString();
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "orders", second)).Succeeded().Output);
        Assert.Equal(2, (await RunJsonAsync("redrive", Store, "orders", "--all")).GetProperty("redriven").GetInt32());
        Assert.Contains("has no dead letter 99", await MistakeAsync(1, "redrive", Store, "orders", "99"), StringComparison.Ordinal);

        // The consecutor notices: the letters die again, and get new numbers.
        string[] numbers;
        do numbers = [.. (await RunJsonAsync("dead", Store)).EnumerateArray().Select(static one => one.GetProperty("number").ToString())];
        while (numbers.Length < 2);
        Assert.Equal(["4", "5"], numbers);
        Assert.False(owner.HasExited);
    }

    [Fact]
    public async Task MembersAreAliveInTheProcessThatHasTheStore()
    {
        using SampleProcess owner = await StartOwnerAsync();
        JsonElement member = await FindAliveAsync(Store);
        Assert.Equal(("shop-1", "alive"), (member.GetProperty("name").GetString(), member.GetProperty("status").GetString()));
        Assert.Equal(3, member.GetProperty("leaseSeconds").GetInt32());
    }

    [Fact]
    public async Task AProcessThatTakesNoChangesIsNamed()
    {
        await using (var store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process))
        {
            await store.OpenStreamAsync("work/geocode");
            await store.AddGroupAsync(new("work/geocode", "hosts"), StreamStart.First);
        }
        using SampleProcess owner = await StartOwnerAsync("refuses");
        Assert.False(File.Exists(SocketPath));
        string refused = await MistakeAsync(3, "redrive", Store, "orders", "--all");
        Assert.Contains("is open in another process", refused, StringComparison.Ordinal);
        Assert.Contains("takes no changes from here", refused, StringComparison.Ordinal);
        Assert.Contains("(Consecutor.PauseAsync)", await MistakeAsync(3, "pause", Store, "orders"), StringComparison.Ordinal);
        Assert.Contains("(IStreamStore.PauseGroupAsync(new(\"work/geocode\", \"hosts\"), true))",
            await MistakeAsync(3, "pause", Store, "work/geocode:hosts"), StringComparison.Ordinal);
        Assert.Equal(3, (await RunJsonAsync("dead", Store)).GetArrayLength());
    }

    [Fact]
    public async Task AKilledProcessLeavesAStoreThatCanBeChanged()
    {
        using SampleProcess owner = await StartOwnerAsync();
        owner.Kill();
        await owner.EndAsync();
        Assert.True(File.Exists(SocketPath));
        Assert.Equal(3, (await RunJsonAsync("redrive", Store, "orders", "--all")).GetProperty("redriven").GetInt32());
        Assert.False(File.Exists(SocketPath));
        Assert.Equal("no dead letters\n", (await RunAsync("dead", Store)).Succeeded().Output);
    }

    [Fact]
    public async Task ADrainOutlivesTheProcessThatIsKilledInIt()
    {
        using SampleProcess owner = await StartOwnerAsync();
        Assert.StartsWith("orders drains", (await RunAsync("drain", Store, "orders")).Succeeded().Output, StringComparison.Ordinal);
        while ((await RunJsonAsync("members", Store))[0].GetProperty("partitions").GetInt32() > 0) { }
        owner.Kill();
        await owner.EndAsync();
        Assert.Contains("orders was draining already", (await RunAsync("drain", Store, "orders")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.Equal(3, (await RunJsonAsync("redrive", Store, "orders", "--all")).GetProperty("redriven").GetInt32());
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
        await using (var next = new Consecutor<string>("orders", source => source | Parse | (_ => { }),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), OnWarning = static _ => { } }))
        {
            await next.StartAsync(Cancellation);
            Assert.True(next.Snapshot() is { PausedAt: not null, IsDraining: true });
            await next.ResumeAsync(Cancellation);
            Assert.Equal(3, (await next.WaitForIdleAsync(Cancellation)).Completed);
        }

        static int Parse(string text) => text.Length;
    }

    [Fact]
    public async Task AProcessThatIsKilledBeforeItAnswersMakesTheOutcomeUnknown()
    {
        using SampleProcess owner = await StartOwnerAsync();
        await owner.SignalAsync("STOP");
        using SampleProcess command = Start("discard", Store, "orders", "--all");
        await WaitForRequestAsync();
        owner.Kill();
        string line = (await command.EndAsync()).OneErrorLine(3, "sluice");
        Assert.Contains("before it answered", line, StringComparison.Ordinal);
        Assert.Contains("Repeat the command", line, StringComparison.Ordinal);
        await owner.EndAsync();
        Assert.Equal(3, (await RunJsonAsync("discard", Store, "orders", "--all")).GetProperty("discarded").GetInt32());
    }

    [Fact]
    public async Task ACommandThatIsKilledLeavesTheProcessAtWork()
    {
        using SampleProcess owner = await StartOwnerAsync();
        await owner.SignalAsync("STOP");
        using (SampleProcess command = Start("discard", Store, "orders", "1"))
        {
            await WaitForRequestAsync();
            command.Kill();
            await command.EndAsync();
        }
        await owner.SignalAsync("CONT");
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "orders", "3")).Succeeded().Output);
    }

    // /proc/net/unix has a line for the socket of the owner, and one for each connection that the stopped owner has not accepted: the
    // command looks whether the owner is there, and then asks it.
    private async Task WaitForRequestAsync()
    {
        int ends = 0;
        while (ends < 3)
        {
            string[] all = await File.ReadAllLinesAsync("/proc/net/unix", Cancellation);
            ends = all.Count(line => line.EndsWith(SocketPath, StringComparison.Ordinal));
        }
    }
}

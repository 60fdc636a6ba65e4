using System.Net.Sockets;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>The process that has a SQLite store open is killed while it makes changes for the command.</summary>
public sealed class OwnerFaultTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";
    private const int Letters = 250;                 // three steps of 100

    [Theory]
    [InlineData("discard", "discarded", GateMoment.BeforeRequest, 100)]
    [InlineData("discard", "discarded", GateMoment.BeforeAnswer, 200)]
    public async Task ARepeatAfterTheKillDoesTheRest(string verb, string done, GateMoment moment, int doneThen)
    {
        using SampleProcess owner = SampleProcess.Start("Sluice.Programs", Folder, "owner", StorePath, "accepts", $"{Letters}");
        await owner.ReadUntilAsync(static line => line == "idle");
        using (KillAtSecond(verb, moment, owner))
        {
            string line = (await RunAsync(verb, Store, "orders", "--all")).OneErrorLine(3, "sluice");
            Assert.Contains("before it answered. It is unknown whether the process made the change. Before, 100 letters were", line,
                StringComparison.Ordinal);
            Assert.Contains($"Repeat the command: letters that were {done} are not {done} again.", line, StringComparison.Ordinal);
        }
        Assert.Equal($"{Letters - doneThen} letters {done}\n", (await RunAsync(verb, Store, "orders", "--all")).Succeeded().Output);
        Assert.Equal("no dead letters\n", (await RunAsync("dead", Store)).Succeeded().Output);
        Assert.EndsWith("no damage\n", (await RunAsync("check", Store)).Succeeded().Output, StringComparison.Ordinal);
    }

    // The letters of this owner die again, so those that were redriven before the kill may be there again with other numbers.
    [Theory]
    [InlineData(GateMoment.BeforeRequest)]
    [InlineData(GateMoment.BeforeAnswer)]
    public async Task NoItemIsLostOrDoubledByARedriveThatIsBrokenOff(GateMoment moment)
    {
        using SampleProcess owner = SampleProcess.Start("Sluice.Programs", Folder, "owner", StorePath, "accepts", $"{Letters}");
        await owner.ReadUntilAsync(static line => line == "idle");
        using (KillAtSecond("redrive", moment, owner))
            Assert.Contains("Before, 100 letters were redriven.", (await RunAsync("redrive", Store, "orders", "--all"))
                .OneErrorLine(3, "sluice"), StringComparison.Ordinal);
        (await RunAsync("redrive", Store, "orders", "--all")).Succeeded();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        Assert.Equal(Enumerable.Range(1, Letters).Select(static number => $"letter {number}").Order(),
            (await ProcessAllAsync(store, new StreamOptions().Partitions)).Order());
    }

    // Stands at the place of the owner's socket.
    private RequestGate KillAtSecond(string verb, GateMoment moment, SampleProcess owner)
    {
        string socket = StorePath + "-socket", real = Path.Combine(Folder, "real-socket");
        File.Move(socket, real);
        return new(new UnixDomainSocketEndPoint(socket), new UnixDomainSocketEndPoint(real), $"\"{verb}\"", 2, moment, () =>
        {
            owner.Kill();
            return owner.EndAsync();
        });
    }
}

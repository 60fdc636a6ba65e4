using System.Globalization;
using System.Net.Sockets;
using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Failures of the user's work, which are no mistakes of the wiring, and several mistakes at once.</summary>
public sealed class OtherFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Sluice has thrown these exceptions, and their cause is the user's code, or a file of the user.</summary>
    [Fact]
    public async Task AFailureOfTheUsersWorkKeepsItsStackTrace()
    {
        Exception run = await Assert.ThrowsAnyAsync<Exception>(() => (Source.From(["1", "x"]) | (static text => int.Parse(text,
            CultureInfo.InvariantCulture)) | Stage.Named("parse") | (static _ => { })).RunAsync());
        Exception graph = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            GraphBuilder<string> builder = Graph.For<string>("numbers");
            builder.Add("parse", static request => int.Parse(request, CultureInfo.InvariantCulture));
            await builder.Build().ResolveAsync("x", Cancellation);
        });
        Exception flow = await Assert.ThrowsAnyAsync<Exception>(static () => throw new FlowException("The stream y has failed.")
        {
            Source =
            "Sluice"
        });
        Exception file = Assert.Throws<InvalidDataException>(static void () => throw new InvalidDataException("The seed file is bad.",
            new FormatException("line 3")));
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("read", static source => source | (static _ => { }), new() { Store = store })
        { Key = static n => $"{10 / n}" };
        await consecutor.StartAsync(Cancellation);
        Exception sequence = await Assert.ThrowsAnyAsync<Exception>(async () => await consecutor.SendAllAsync(
            ((string[])["1", "x"]).Select(static text => int.Parse(text, CultureInfo.InvariantCulture)), Cancellation));
        Exception key = await Assert.ThrowsAnyAsync<Exception>(async () => await consecutor.SendAsync(0, Cancellation));
        Assert.IsType<InvalidOperationException>(sequence);
        Assert.IsType<PayloadException>(key);
        Assert.Equal("Sluice", run.Source);
        foreach (Exception one in (Exception[])[run, graph, flow, file, sequence, key])
            Assert.Equal((one.GetType(), null), (one.GetType(), StartMistake.Find(one)));
    }

    [Fact]
    public void AnAddressInUseAndAMistakeOfTheContainerAreMistakes()
    {
        const string Container = "Microsoft.Extensions.DependencyInjection";
        foreach (Exception cause in (Exception[])[new SocketException(98), new InvalidOperationException("Unable") { Source = Container }])
            Assert.Equal(2, StartMistake.Find(new InvalidOperationException("Cannot.", cause) { Source = "Sluice" })?.ExitCode);
    }

    [Fact]
    public void OfSeveralMistakesEachIsSaidOnceAndTheExitCodeIsTheOneThatMayPass()
    {
        var store = new StreamStoreException("Sluice:Store cannot be used. The connection was refused.",
            new IOException("The connection was refused."));
        var wiring = new ArgumentException("Two consecutors have one name.") { Source = "Sluice" };
        Assert.Equal((3, store.Message), Of(store, store));
        Assert.Equal((3, $"{wiring.Message}\n{store.Message}"), Of(wiring, store));
        Assert.Equal((2, wiring.Message), Of(wiring));
        Assert.Null(StartMistake.Find(new AggregateException(store, new FormatException("no good"))));
        Assert.Null(StartMistake.Find(new AggregateException()));

        static (int, string) Of(params Exception[] all)
        {
            StartMistake mistake = StartMistake.Find(new AggregateException(all))!;
            return (mistake.ExitCode, mistake.Text);
        }
    }
}

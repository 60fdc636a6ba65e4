using System.Diagnostics;
using System.Runtime.Versioning;
using Sluice.Policies;
using Sluice.Storage;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Processes;

/// <summary>The traces of items in worker processes that have no listener for spans.</summary>
[StartsProcesses]
[Collection(SpanTests.Name)]
public class WorkerTraceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnActivityInAWorkerHasTheTraceOfItsItem()
    {
        using var log = new SpanLog();
        await using var store = new MemoryStreamStore();
        List<string> seen = [];
        var options = new ProcessOptions { Program = WorkerProgram.Path, Workers = 1 };
        await using var consecutor = new Consecutor<int>("a", source => source
            | Pipe.InProcesses<int, string>("traces", options) | Stage.Named("away")
            | seen.Add, new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal([$"{log.Sender.TraceId} {log["node away"].SpanId}"], seen);
        Assert.Equal(log["process a"].SpanId, log["node away"].ParentSpanId);
    }

    [Fact]
    public async Task TheSpansOfAnItemInBothProcessesAreInItsTraceAndHaveItsError()
    {
        using var log = new SpanLog();
        List<string> inside = await SendAsync<string[], string>("spans", new() { Program = WorkerProgram.Path, Workers = 1 },
            static spans => spans, 0, 1, 2);

        Activity[] away = [.. log.Spans.Where(static span => span.DisplayName == "node away")];
        Assert.Equal(["Sluice.WorkerException", null, null], away.Select(static span => span.GetTagItem("error.type")));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset, ActivityStatusCode.Unset],
            away.Select(static span => span.Status));
        string failed = Function(away[0], "System.FormatException");
        Assert.Equal([failed, failed, Function(away[1], "fine")], inside);

        static string Function(Activity parent, string error) => $"function spans {parent.TraceId} {parent.SpanId} {error}";
    }

    // Its hello ends before the flags, as that of the first versions; it shows the kinds of the frames that it gets.
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task AWorkerThatDoesNotSayThatItTakesTracesGetsNone()
    {
        const string Worker = """
            #!/usr/bin/env python3
            import os, socket, struct
            text = os.environ["SLUICE_WORKER"]
            parent = socket.socket(socket.AF_UNIX)
            parent.connect(text[72:])
            def send(content):
                parent.sendall(struct.pack("<i", len(content)) + content)
            send(b"\1" + bytes.fromhex(text[:64]) + bytes(8))
            with parent.makefile("rb") as frames:
                while head := frames.read(4):
                    frame = frames.read(struct.unpack("<i", head)[0])
                    kind = str(frame[0]).encode()
                    send(b"\3" + frame[1:9] + b"\0" + struct.pack("<i", len(kind)) + kind)
            """;
        string folder = Directory.CreateTempSubdirectory("sluice-worker-").FullName, program = Path.Combine(folder, "worker");
        await File.WriteAllTextAsync(program, Worker, Cancellation);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using (var log = new SpanLog())
        {
            const byte Item = 2;
            Assert.Equal([Item], await SendAsync<int, int>("any", new() { Program = program, Workers = 1 }, static kind => [kind], 1));
            Assert.Equal(log["process a"].SpanId, log["node away"].ParentSpanId);
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Sends items one after the other through a stage of worker processes, and returns what it has put out.</summary>
    private static async Task<List<TShown>> SendAsync<TOut, TShown>(string body, ProcessOptions options,
        Func<TOut, IEnumerable<TShown>> show, params int[] items)
    {
        await using var store = new MemoryStreamStore();
        List<TShown> seen = [];
        await using var consecutor = new Consecutor<int>("a", source => source
            | Pipe.InProcesses<int, TOut>(body, options) | Stage.Named("away") | Stage.OnError(ErrorPolicy.DeadLetter)
            | (result => seen.AddRange(show(result))), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        foreach (int item in items)
        {
            await consecutor.SendAsync(item, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        return seen;
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>Plain lines from any program, without a hello.</summary>
[StartsProcesses]
public class PlainLinesTests
{
    private static readonly TcpOptions Plain = new() { Protocol = TcpProtocol.Lines };

    [Theory]
    [InlineData(TcpProtocol.Lines)]
    [InlineData(TcpProtocol.Auto)]
    public async Task LinesAreAcceptedAndTheConnectionEndsWhenTheyAreDurable(TcpProtocol protocol)
    {
        await using var stores = new Stores("sqlite");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { Protocol = protocol });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);

        await probe.SendRawAsync("a\r\n\nb c\n1 d\n"u8.ToArray());
        probe.EndSending();
        Assert.Empty(await probe.RestAsync());
        Assert.Equal(3, listener.Texts.Snapshot().Accepted);
        Assert.Equal(["a", "b c", "1 d"], await listener.EndAsync());
    }

    [Fact]
    public async Task AShellCanSendLines()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "There is no bash here.");
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain);
        string port = listener.Address.Port.ToString(CultureInfo.InvariantCulture);
        using (var shell = Process.Start(new ProcessStartInfo("bash",
            ["-c", $"exec 3<>/dev/tcp/127.0.0.1/{port}; echo x >&3; printf 'y\\n\\xff\\nz\\n' >&3; read -r line <&3; echo \"$line\""])
        {
            RedirectStandardOutput = true
        })!)
        {
            Assert.StartsWith("error 3 The frame 3 is malformed:", await shell.StandardOutput.ReadToEndAsync());
            await shell.WaitForExitAsync();
        }
        await listener.WaitForItemsAsync(3);
        await using TcpProbe last = await TcpProbe.ConnectAsync(listener.Address);
        await last.SendAsync("end");
        last.EndSending();
        Assert.Empty(await last.RestAsync());
        Assert.Equal(["end", "x", "y", "z"], (await listener.EndAsync()).Order(StringComparer.Ordinal));
    }

    /// <remarks>Formerly the connection ended without an error, and a client that had written all and ended its side took its lines on the
    /// way for accepted.</remarks>
    [Fact]
    public async Task AClientIsToldThatTheServiceStopsBeforeAllLinesHaveCome()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain);
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
        await probe.SendRawAsync([.. "a\n"u8, 0xFF, .. "\nhalf"u8]);
        Assert.StartsWith("error 2 The frame 2 is malformed:", await probe.ReceiveAsync());
        _ = listener.Run.StopAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["error 3 The service stops, and accepts no further lines."],
            await probe.RestAsync());
        Assert.Equal(["a"], await listener.EndAsync());
    }

    /// <summary>The client may be a framed one: "lines", and a refused frame, would mean nothing to it.</summary>
    [Fact]
    public async Task AClientThatMaySpeakEitherProtocolIsToldOfAStopInWordsForBoth()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            new() { Protocol = TcpProtocol.Auto, MaxConnections = 1, OnWarning = static _ => { } });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
        await probe.SendRawAsync("hel"u8.ToArray());
        await using (TcpProbe second = await TcpProbe.ConnectAsync(listener.Address))
            Assert.StartsWith("error 0 ", (await second.RestAsync()).Single());          // so the first one is served
        _ = listener.Run.StopAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["error 1 The service stops, and has accepted nothing on this connection. Connect again later."],
            await probe.RestAsync());
    }

    [Fact]
    public async Task ABadLineIsReportedAndLaterLinesAreAccepted()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain with { MaxFrameBytes = 20 });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);

        await probe.SendRawAsync([.. "a\n"u8, 0xFF, .. "\nb\n"u8]);
        Assert.StartsWith("error 2 The frame 2 is malformed:", await probe.ReceiveAsync());
        await probe.SendRawAsync("012345678901234567890\nc\n"u8.ToArray());
        Assert.Equal("error 4 A frame is longer than 20 bytes.", await probe.ReceiveAsync());
        await probe.SendRawAsync("d\nhalf"u8.ToArray());
        probe.EndSending();
        Assert.Equal(["error 7 The connection has ended in the middle of a line, which was not accepted. End each line with a line feed."],
            await probe.RestAsync());
        Assert.Equal(["a", "b", "c", "d"], await listener.EndAsync());
    }

    /// <summary>The key function fails on a line: the client and the operator are told, and the lines before and behind it are
    /// accepted.</summary>
    [Fact]
    public async Task ALineWithoutAKeyIsReportedAndLaterLinesAreAccepted()
    {
        await using var stores = new Stores("memory");
        ConcurrentQueue<string> warnings = new();
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain with { OnWarning = warnings.Enqueue },
            key: static line => line.Split(';')[1]);
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
        await probe.SendRawAsync("a;1\nb;1\nc\nd;1\nc\n"u8.ToArray());
        Assert.Equal("error 3 An item for the consecutor texts was not accepted: its key cannot be found: IndexOutOfRangeException: the "
            + "operator of the service was told why.", await probe.ReceiveAsync());
        await probe.SendRawAsync("e;1\n"u8.ToArray());
        probe.EndSending();
        await probe.RestAsync();
        Assert.Equal(["a;1", "b;1", "d;1", "e;1"], await listener.EndAsync());
        string warning = Assert.Single(warnings);
        Assert.Contains("The line 3 of a client was refused: PayloadException: ", warning, StringComparison.Ordinal);
        Assert.EndsWith("IndexOutOfRangeException: Index was outside the bounds of the array.", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatASerializerSaysIsForTheOperatorOnly()
    {
        await using var stores = new Stores("memory");
        ConcurrentQueue<string> warnings = new();
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain with { OnWarning = warnings.Enqueue },
            serializer: new Fails());
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
        await probe.SendRawAsync("a\n"u8.ToArray());
        Assert.Equal("error 1 The frame 1 is malformed: It is no item of this producer.", await probe.ReceiveAsync());
        Assert.EndsWith("The serializer failed on the item 1 of a client: InvalidOperationException: the secret", Assert.Single(warnings),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnEndlessLineIsRefusedAtTheLimit()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain with { MaxFrameBytes = 20 });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);

        await probe.SendRawAsync(Encoding.ASCII.GetBytes("a\n" + new string('x', 100_000)));
        Assert.Equal("error 2 A frame is longer than 20 bytes.", (await probe.RestAsync()).Single());
        Assert.Equal(["a"], await listener.EndAsync());
    }

    [Fact]
    public async Task AFirstLineHelloIsRefusedByTheLinesProtocol()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), Plain);
        foreach (string hello in (string[])["hello\n1 a\n", "hello me\n1 a\n"])
        {
            await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
            await probe.SendRawAsync(Encoding.ASCII.GetBytes(hello));
            Assert.StartsWith("error 1 A first line 'hello' begins the protocol with acknowledgements", (await probe.RestAsync()).Single());
        }
        await using TcpProbe greeting = await TcpProbe.ConnectAsync(listener.Address);
        await greeting.SendRawAsync("\nhello\nhelloes\n"u8.ToArray());
        greeting.EndSending();
        Assert.Empty(await greeting.RestAsync());
        Assert.Equal(["hello", "helloes"], await listener.EndAsync());
    }

    [Fact]
    public async Task FramedAndPlainClientsShareAPort()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { Protocol = TcpProtocol.Auto });
        (TcpProbe framed, long last) = await TcpProbe.HelloAsync(listener.Address, "me");
        await using TcpProbe one = framed, two = await TcpProbe.ConnectAsync(listener.Address);

        Assert.Equal(0, last);
        await one.SendAsync("1 a");
        await one.AcknowledgedAsync(1);
        await two.SendAsync("1 a");
        two.EndSending();
        Assert.Empty(await two.RestAsync());
        Assert.Equal(["a", "1 a"], await listener.EndAsync());
    }

    [Fact]
    public async Task AFullStreamStopsReadingFromTheConnection()
    {
        const int Lines = 64;
        await using var stores = new Stores("memory");
        var appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore(await stores.OpenAsync()) { After = () => { appended.TrySetResult(); return Task.CompletedTask; } };
        await using Listener listener = await Listener.StartAsync(store, Plain, starts: false,
            stream: new() { Partitions = 1, MaxItems = 4 });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);

        byte[] line = Encoding.ASCII.GetBytes(new string('x', 1_000_000) + "\n");
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Lines; i++) await probe.SendRawAsync(line);
            probe.EndSending();
        });
        await appended.Task;
        Assert.False(sending.IsCompleted);           // 64 MB are more than the network buffers hold
        Assert.InRange(listener.Texts.Snapshot().Accepted, 0, 4);
        await listener.Texts.StartAsync();
        await sending;
        Assert.Empty(await probe.RestAsync());
        Assert.Equal(Lines, (await listener.EndAsync()).Length);
    }

    [Fact]
    public async Task AClientThatSendsALineTooSlowlyIsDisconnectedAlone()
    {
        var clock = new TestClock();
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            new() { Protocol = TcpProtocol.Auto, IdleTimeout = TimeSpan.FromSeconds(60) }, time: clock);
        await using TcpProbe trickling = await TcpProbe.ConnectAsync(listener.Address);
        (TcpProbe alive, _) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe other = alive;

        await trickling.SendRawAsync("a\n"u8.ToArray());
        Task<List<string>> told = trickling.RestAsync();
        int rounds = 0;
        for (; !told.IsCompleted; rounds++)                                                // the server may start its timeout late
        {
            await trickling.SendRawAsync([(byte)'x']);                                      // never a complete line
            await alive.SendAsync($"{rounds + 1} {rounds}");
            await alive.AcknowledgedAsync(rounds + 1);
            clock.Advance(TimeSpan.FromSeconds(10));
        }
        Assert.True(rounds >= 6, $"{rounds}");
        Assert.Equal(["error 2 No whole frame has come for 60 seconds."], await told);
        Assert.Equal(rounds + 1, (await listener.EndAsync()).Length);
    }

    [Fact]
    public void LengthFramingCannotBeCombinedWithPlainLines()
        => Assert.Contains("TcpFraming.Lines", Assert.Throws<ArgumentException>(() => Source.Tcp(0,
        new() { Protocol = TcpProtocol.Auto, Framing = TcpFraming.Length })).Message, StringComparison.Ordinal);

    private sealed class Fails : IPayloadSerializer<string>
    {
        public void Serialize(string value, IBufferWriter<byte> to) => throw new NotSupportedException();

        public string Deserialize(ReadOnlySpan<byte> payload) => throw new InvalidOperationException("the secret");
    }
}

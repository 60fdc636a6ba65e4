using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <content>An other side that sends what it should not: the processor fails and says why; the service and its other runs go on.</content>
public partial class ExecutorContractTests
{
    /// <summary>An invalid message: the other side is ended, and the processor has lost its place of execution.</summary>
    [Theory]
    [InlineData("without credit", "a value for the output y without credit: 512 values with ")]
    [InlineData("a place beyond", "the place 1 to 9 in the input x: it was 1 to 1, and values up to 1 were sent.")]
    [InlineData("a place before", "the place 0 to 1 in the input x: it was 1 to 1, and values up to 1 were sent.")]
    [InlineData("passed before it was delivered", "the place 2 to 1 in the input x: it was 1 to 1")]
    [InlineData("a begin", "there is no begin of a reading 3.")]
    [InlineData("a chosen place", "there is no place -1.")]
    [InlineData("a chooser", "there is no chooser 9223372036854775807.")]
    [InlineData("a kind of choice", "there is no kind of choice 5.")]
    [InlineData("a time", "there is no choice -1.")]
    [InlineData("an output", "there is no stream 1.")]
    [InlineData("an input", "there is no stream 7.")]
    [InlineData("a reading", "there is no reading 12.")]
    [InlineData("a half", "A frame is cut off.")]
    [InlineData("a half failure", "A frame is cut off.")]
    [InlineData("an unknown kind", "a frame of the kind 99.")]
    [InlineData("nothing", "A message is empty.")]
    public async Task AnInvalidMessageFailsTheProcessorAndSaysWhatItWas(string what, string expected)
    {
        await using var lab = new FlowLab();
        string failure = await PlayAsync(lab, ResumeMode.FromScratch, async (messages, send) =>
        {
            await BegunAsync(messages);
            send(Message(64, 1, 0, 0, 1, 0, 0, 0));
            await FindAsync(messages, 36);
            switch (what)
            {
                case "without credit":
                    for (int i = 0; i < 50_000; i++) send([.. Message(71, 0), .. "1"u8]);
                    break;
                case "a half failure":
                    send([.. Message(73, 0), 1, 0, 200, 0, 0, 0]);
                    break;
                default:
                    send(what switch
                    {
                        "a place beyond" => Message(68, 1, 9, 1),
                        "a place before" => Message(68, 1, 1, 0),
                        "passed before it was delivered" => Message(68, 1, 1, 2),
                        "a begin" => Message(64, 2, 0, 3, 1, 0, 0, 0),
                        "a chosen place" => Message(64, 2, 0, 1, 1, 0, 1, -1),
                        "a chooser" => Message(64, 2, 0, 1, 1, long.MaxValue, 0, 0),
                        "a kind of choice" => Message(70, 5, 0, 0),
                        "a time" => Message(70, 4, 0, -1),
                        "an output" => [.. Message(71, 1), .. "1"u8],
                        "an input" => Message(64, 2, 7, 0, 1, 0, 0, 0),
                        "a reading" => Message(65, 2, 12),
                        "a half" => Message(64, 2, 0),
                        "nothing" => [],
                        _ => Message(99, 0),
                    });
                    break;
            }
            await foreach (byte[] _ in messages.ReadAllAsync())
            {
                // until it is over
            }
        });
        Assert.Contains("each time its host was gone before it had ended; the last time: the other side has sent what it should not: "
            + expected.TrimEnd('.'), failure, StringComparison.Ordinal);
    }

    /// <summary>A valid message of what cannot be done: it is refused, and the function fails with the service's text.</summary>
    [Theory]
    [InlineData("state", ResumeMode.FromScratch, "The processor work was to save a state, but resumes FromScratch.")]
    [InlineData("state", ResumeMode.PerItem, "The processor work was to save a state, but resumes PerItem.")]
    [InlineData("long state", ResumeMode.Checkpoint, "was to save a state of 300,000 bytes; the limit is 262,144.")]
    [InlineData("long value", ResumeMode.FromScratch,
        "A value for the stream y has 2,000 bytes, and the process of the function sends 1,000 at most. Store it elsewhere")]
    public async Task WhatCannotBeDoneIsRefusedAndFailsTheProcessor(string what, ResumeMode resume, string expected)
    {
        await using var lab = new FlowLab();
        string failure = await PlayAsync(lab, resume, async (messages, send) =>
        {
            await BegunAsync(messages);
            send(what == "long value" ? [.. Message(71, 0), .. new byte[2_000]]
                : [.. Message(67, 1), .. new byte[what == "state" ? 2 : 300_000]]);
            byte[] refused = what == "long value" ? await FindAsync(messages, 38) : (await FindAsync(messages, 37))[8..];
            send([73, .. refused.AsSpan(1)]);            // the function passes it on
        }, maxValueBytes: 1_000);
        Assert.Contains(expected, failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFailureMayBeAsLongAsItLikesAndIsCut()
    {
        await using var lab = new FlowLab();
        string failure = await PlayAsync(lab, ResumeMode.FromScratch, async (messages, send) =>
        {
            await BegunAsync(messages);
            send([.. Message(73, 0), 1, 0, .. Text("Terrible"), .. Text(new string('x', 200_000)), .. Text(""), .. Text("Traceback")]);
        });
        Assert.Contains("the processor work has: Terrible: xxx", failure, StringComparison.Ordinal);
        Assert.InRange(failure.Length, 1_000, 5_000);
    }

    private static async Task<string> PlayAsync(FlowLab lab, ResumeMode resume, Func<ChannelReader<byte[]>, Action<byte[]>, Task> other,
        int maxValueBytes = 16 << 20)
    {
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume };
        var fine = new Processor("fine") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = lab.Join(options => options with { MaxStarts = 2 });
        service.Register(work, new MessageExecutor(other, maxValueBytes));
        service.Register(fine, async (IO<int> x, CancellationToken cancellation) => await x.FirstAsync(cancellation) + 1);
        await using FlowRun run = await service.StartAsync(Flow.From(work).With("y", new FlowStreamOptions { MaxItems = 100 }).Resolve(),
            [IOVal.Stream("x", FlowLab.Many([1, 2, 3]))], cancellation: FlowLab.Cancellation);
        string failure = (await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation))).Message;
        await using FlowRun next = await service.StartAsync(Flow.From(fine).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(2, await next.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        Assert.Null(service.Problem);
        return failure;
    }

    private static async Task BegunAsync(ChannelReader<byte[]> messages) => await FindAsync(messages, 34);

    private static async Task<byte[]> FindAsync(ChannelReader<byte[]> messages, byte kind)
    {
        while (true)
        {
            byte[] message = await messages.ReadAsync();
            if (message[0] == kind) return message;
        }
    }

    private static byte[] Text(string text)
        => [.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Message(byte kind, params ReadOnlySpan<long> numbers)
    {
        byte[] message = new byte[1 + (8 * numbers.Length)];
        message[0] = kind;
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(1 + (8 * i)), numbers[i]);
        return message;
    }
}

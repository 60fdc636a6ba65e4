using System.Buffers.Binary;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>
/// The service's side of a call gets damaged messages: each is taken or refused with a reason, and the service goes on.
/// <c>SLUICE_DAMAGES=…</c> plays 10,000 of them for each way to resume.
/// </summary>
public class DamagedMessageTests
{
    private static readonly int Messages
        = Environment.GetEnvironmentVariable("SLUICE_DAMAGES") is null ? Repetitions.Of(200, all: 500) : 10_000;

    [Theory]
    [InlineData(ResumeMode.FromScratch, Traits = ["Length", "long"])]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint, Traits = ["Length", "long"])]
    public async Task DamagedMessagesHarmOnlyTheirCalls(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume };
        var copy = new Processor("copy") { Inputs = ["x"], Outputs = ["z"] };
        var child = new DamagedChild(seed: (int)resume);
        Supervisor service = lab.Join(options => options with { MaxStarts = 1 });
        service.Register(work, child);
        service.Register(copy, async (IO<int> x, IOWriter<int> z) =>
        {
            await foreach (int value in x.StreamAsync()) await z.WriteAsync(value);
        });
        Flow flow = Flow.From(work, copy).Resolve();
        while (child.Taken + child.Refused < Messages)
        {
            await using FlowRun run = await service.StartAsync(flow, Enumerable.Range(0, 5).Select(value => IOVal.Of("x", value)),
                cancellation: FlowLab.Cancellation);
            Exception? failure = await Record.ExceptionAsync(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            Assert.True(failure is null or FlowException, $"{failure}");
        }
        Assert.Empty(child.Odd);
        Assert.True(child.Taken > Messages / 5 && child.Refused > Messages / 5, $"{child.Taken} taken, {child.Refused} refused");

        // Another flow of the same service, by the same processor in C#.
        await using FlowRun next = await service.StartAsync(Flow.From(copy).Resolve(),
            Enumerable.Range(0, 5).Select(value => IOVal.Of("x", value)), cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, 5), await FlowLab.ReadAsync(next.Output<int>("z")).WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
    }

    /// <remarks>Regression: what waited for the first read waited for ever, also after the child was gone.</remarks>
    [Fact]
    public async Task AQuestionWithTheNumberOfAnOpenOneIsRefused()
    {
        var reads = new OpenReads();
        reads.Begin(4);
        Task waiting = reads.FirstOf([4, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Throws<InvalidDataException>(() => reads.Begin(4));
        Assert.False(waiting.IsCompleted);
        reads.End(4);
        await waiting.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        reads.Begin(4);
    }

    /// <summary>Answers each call with messages that are damaged at random, until one is refused or ends the call.</summary>
    private sealed class DamagedChild(int seed) : IExecutor
    {
        private static readonly byte[][] Good =
        [
            Message(64, 1, 0, 0, 1, 0, 0, 0), Message(65, 2, 1), Message(65, 3, 1), Message(66, 4, 1), [.. Message(67, 5), (byte)'1'],
            Message(68, 1, 2, 1), Message(69, 0), Message(69, 1), Message(70, 1, 0, 0), [.. Message(71, 0), (byte)'7'],
            [.. Message(71, 0), (byte)'8'], [72], [73, .. new byte[8], 1, 0, .. new byte[16]],
            Message(65, 6, 1, 1), Message(75, 7, 6, 2), [.. Message(74, 0), 29, 0, 0, 0, 12, 26, 0, .. new byte[26], (byte)'9'],
        ];

        private readonly Random random = new(seed);

        public int Taken { get; private set; }

        public int Refused { get; private set; }

        /// <summary>What was thrown that is no refusal.</summary>
        public List<Exception> Odd { get; } = [];

        // One call at a time: the processor runs once in each run, and one run goes on at a time.
        public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using RemoteCall remote = call.OpenRemote(message => { if (message[0] == 34) begun.TrySetResult(); }, maxValueBytes: 1000);
            Task executing = remote.ExecuteAsync(cancellation);
            await Task.WhenAny(begun.Task, executing);
            bool isLost = false;
            for (int sent = 0; !executing.IsCompleted && !isLost; sent++)
            {
                try
                {
                    remote.Receive(Damaged());
                    Taken++;
                    if (isLost = sent > 100) remote.Lose(new("nothing more is said."));
                }
                catch (Exception e)
                {
                    isLost = true;
                    if (e is InvalidDataException && !string.IsNullOrWhiteSpace(e.Message)) Refused++;
                    else Odd.Add(e);
                    remote.Lose(new(e.Message, e));
                }
                await Task.Yield();
            }
            remote.Receive(Message(71, 0));          // too late: ignored
            await executing;
        }

        private byte[] Damaged()
        {
            List<byte> message = [.. Good[random.Next(Good.Length)]];
            for (int damages = random.Next(4); damages > 0; damages--)
            {
                int at = random.Next(message.Count);
                switch (random.Next(3))
                {
                    case 0:
                        message[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        message[at] = (byte)random.Next(3);
                        break;
                    default:
                        message.RemoveRange(at, Math.Min(random.Next(1, 10), message.Count - at));
                        if (message.Count == 0) message.Add(72);
                        break;
                }
            }
            return [.. message];
        }

        private static byte[] Message(byte kind, params ReadOnlySpan<long> numbers)
        {
            byte[] message = new byte[1 + (8 * numbers.Length)];
            message[0] = kind;
            for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(1 + (8 * i)), numbers[i]);
            return message;
        }
    }
}

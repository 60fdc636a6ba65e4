using System.Buffers.Binary;
using System.Text;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The other side is lost after its function has ended, while the service still takes over what it has put out.</summary>
public class LateLossTests
{
    private const int Values = 100;

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task NothingThatTheFunctionHasPutOutIsDropped(ResumeMode resume)
    {
        int starts = 0;
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var make = new Processor("make") { Outputs = ["number"], Resume = resume };
        service.Register(make, new MessageExecutor(async (messages, send) =>
        {
            bool isFirst = ++starts == 1;
            while ((await messages.ReadAsync(FlowLab.Cancellation))[0] != (byte)CallFrame.Begin)
            {
                // the plan, and choices
            }
            for (int i = 0; i < Values; i++) send([(byte)CallFrame.Put, .. Number(0), .. Encoding.UTF8.GetBytes($"{i}")]);
            send([(byte)CallFrame.Done]);
            if (isFirst) return;                         // is lost at once
            await foreach (byte[] _ in messages.ReadAllAsync(FlowLab.Cancellation))
            {
                // until the service needs this side no more
            }
        }));

        // Values of the output wait for their reader.
        Flow plan = Flow.From(make).With("number", new FlowStreamOptions { MaxItems = 4 }).Resolve();
        await using FlowRun run = await service.StartAsync(plan, [], cancellation: FlowLab.Cancellation);
        List<int> numbers = await FlowLab.ReadAsync(run.Output<int>("number"));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.Equal(Enumerable.Range(0, Values), numbers);
    }

    private static byte[] Number(long number)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }
}

using Sluice.ChildProcesses;
using Sluice.Pipelines;
using Sluice.Processes;

namespace Sluice.Tests.Processes;

/// <summary>The answers of a worker, which the test plays in this process: it has the other end of the socket.</summary>
public class WorkerAnswerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: its answer was torn, and with it those of other items; three workers were killed for it.</remarks>
    [Fact]
    public async Task AFailureWhoseMessageThrowsIsAnAnswerLikeAnother()
    {
        WorkerBody body = WorkerBody.Of(Pipe.Of<int>() | (static n => n == 2 ? throw new Unsaid() : 2 * n));
        using var life = new CancellationTokenSource();
        var listener = new ChildListener(1 << 20, Limit, life.Token);
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        using ParentConnection parent = (await ParentConnection.TryOpenAsync(token, WorkerLink.MaxFrame(token.MaxPayloadBytes)))!;
        Task working = body.RunAsync(new(parent, "unsaid"));
        using ChildArrival worker = await arriving.WaitAsync(Limit, Cancellation);
        using (var items = new FrameWriter())
        {
            for (int item = 1; item <= 3; item++)
            {
                int start = items.Begin((byte)FrameKind.Item, item);
                items.Write([(byte)('0' + item)]);
                items.End(start);
            }
            await worker.Socket.SendAsync(items.Memory, Cancellation);
        }
        SortedDictionary<long, string> answers = [];
        while (answers.Count < 3)
        {
            TakeAll();
            if (answers.Count < 3) Assert.True(await worker.Reader.ReceiveAsync(Cancellation).AsTask().WaitAsync(Limit, Cancellation));
        }
        Assert.Equal(["done", $"{typeof(Unsaid).FullName}: (its Message threw NotSupportedException)", "done"], answers.Values);
        worker.Socket.Dispose();
        await working.WaitAsync(Limit, Cancellation);
        await life.CancelAsync();
        await listener.DisposeAsync();

        void TakeAll()
        {
            while (worker.Reader.TryTake(out ReadOnlySpan<byte> frame))
            {
                var kind = (FrameKind)frame[0];
                Assert.True(kind is FrameKind.Done or FrameKind.Failed, $"{kind}");
                frame = frame[1..];
                long number = FrameReader.Number(ref frame);
                FrameReader.Flag(ref frame);
                if (kind == FrameKind.Failed) FrameReader.Text(ref frame);           // the node
                answers.Add(number, kind == FrameKind.Done ? "done" : $"{FrameReader.Text(ref frame)}: {FrameReader.Text(ref frame)}");
            }
        }
    }

    private sealed class Unsaid : Exception
    {
        public override string Message => throw new NotSupportedException();
    }
}

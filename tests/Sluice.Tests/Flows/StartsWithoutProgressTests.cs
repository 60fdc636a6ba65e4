using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>Only starts without progress count for <see cref="SupervisorOptions.MaxStarts"/>.</summary>
public class StartsWithoutProgressTests
{
    private const int MaxStarts = 3;

    [Theory]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AProcessorThatLosesItsHostOftenGoesOnAsLongAsItMakesProgress(ResumeMode resume)
    {
        var losses = new Losses();
        Channel<int> numbers = Channel.CreateUnbounded<int>();
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, losses, resume, numbers);
        IAsyncEnumerator<int> copies = run.Output<int>("copy").StreamAsync(FlowLab.Cancellation).GetAsyncEnumerator(FlowLab.Cancellation);
        for (int start = 1; start <= 4 * MaxStarts; start++)
        {
            await numbers.Writer.WriteAsync(start, FlowLab.Cancellation);
            Assert.True(await copies.MoveNextAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            Assert.Equal(start, copies.Current);     // so the position behind it is stored, too
            Assert.Equal(start, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Starts);
            losses.IsAlways = start == 4 * MaxStarts;
            losses.LoseCurrent();
        }
        await copies.DisposeAsync();
        numbers.Writer.Complete();                   // the next start may wait for a value, or for the end

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.EndsWith($"It was started {MaxStarts} times without progress, and each time its host was gone before it had ended; "
            + "the last time: asked to (SupervisorOptions.MaxStarts).", failure.Message, StringComparison.Ordinal);
    }

    private static Task<FlowRun> StartAsync(FlowLab lab, Losses losses, ResumeMode resume, Channel<int> numbers)
    {
        var copy = new Processor("copy") { Inputs = ["number"], Outputs = ["copy"], Resume = resume };
        Supervisor service = lab.Join(options => options with { Executor = losses, MaxStarts = MaxStarts });
        service.Register(copy, resume == ResumeMode.Checkpoint ? WithCheckpointsAsync : CopyAsync);
        return service.StartAsync(Flow.From(copy).Resolve(), [IOVal.Stream("number", numbers.Reader.ReadAllAsync())],
            cancellation: FlowLab.Cancellation);
    }

    private static async IAsyncEnumerable<IOVal> CopyAsync(ProcessorContext context,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (int number in context.Input<int>("number").StreamAsync(cancellation)) yield return IOVal.Of("copy", number);
    }

    private static async IAsyncEnumerable<IOVal> WithCheckpointsAsync(ProcessorContext context,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        Checkpoint<int> last = context.Checkpoint<int>();
        await foreach (int number in context.Input<int>("number").StreamAsync(cancellation))
        {
            yield return IOVal.Of("copy", number);
            await last.SaveAsync(number, cancellation);
        }
    }

    /// <summary>Runs functions here, and loses them when it is told to.</summary>
    private sealed class Losses : IExecutor
    {
        private readonly Lock sync = new();
        private CancellationTokenSource? current;

        /// <summary>Whether later executions are lost before they begin.</summary>
        public bool IsAlways { get; set; }

        public void LoseCurrent()
        {
            lock (sync) current!.Cancel();
        }

        public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            if (IsAlways) throw new ExecutionLostException("asked to.");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            lock (sync) current = either;
            try
            {
                await call.RunHereAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new ExecutionLostException("asked to.");
            }
            finally
            {
                lock (sync) current = null;
            }
        }
    }
}

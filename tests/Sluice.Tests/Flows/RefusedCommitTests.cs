using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>After a failover that has lost the last commits of a partition of work, the store refuses each further one.</summary>
public class RefusedCommitTests
{
    private const int Values = 40;

    [Theory]
    [InlineData(ResumeMode.PerItem, CommitStatus.Gap)]
    [InlineData(ResumeMode.Checkpoint, CommitStatus.NotOutstanding)]
    [InlineData(ResumeMode.FromScratch, CommitStatus.Gap)]
    public async Task AProcessorWithoutOutputsGoesOnFromWhatIsLeft(ResumeMode resume, CommitStatus answer)
    {
        await using var lab = new FlowLab();
        var forgetful = new ForgetfulStore(lab.Store, answer);
        int seen = 0;
        Supervisor service = lab.Join(store: forgetful);
        service.Register(new Processor("send") { Inputs = ["x"], Resume = resume },
            (ProcessorFunction)((context, cancellation) => SendAsync(context)));
        await using FlowRun run = await service.StartAsync(Flow.From(new Processor("send") { Inputs = ["x"], Resume = resume }).Resolve(),
            Enumerable.Range(1, Values).Select(static n => IOVal.Of("x", n)), run: "run", cancellation: FlowLab.Cancellation);

        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.InRange(seen, Values, int.MaxValue);
        Assert.Equal(2, forgetful.Generation);
        Assert.Contains(lab.Warnings, static text => text.Contains("has lost writes of the run run; the processor send goes on from what "
            + "is left: It has refused a commit of work/send:hosts/", StringComparison.Ordinal));
        Assert.DoesNotContain(lab.Warnings, static text => text.Contains("has failed", StringComparison.Ordinal));

        async IAsyncEnumerable<IOVal> SendAsync(ProcessorContext context)
        {
            await foreach (int value in context.Input<int>("x").StreamAsync())
            {
                if (++seen == Values / 2) forgetful.Forget();
                if (resume == ResumeMode.Checkpoint) await context.Checkpoint<int>().SaveAsync(value);
            }
            yield break;
        }
    }

    [Theory]
    [InlineData(CommitStatus.Gap)]
    [InlineData(CommitStatus.NotOutstanding)]
    public async Task AnOrderThatCannotBeTakenOnIsTakenOnAnew(CommitStatus answer)
    {
        await using var lab = new FlowLab();
        var forgetful = new ForgetfulStore(lab.Store, answer);
        forgetful.Forget();
        Supervisor service = lab.Join(store: forgetful);
        var work = new Processor("work") { Inputs = ["x"] };
        service.Register(work, async (IO<int> x) =>
        {
            await x.FirstAsync();
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, forgetful.Generation);
    }

    [Fact]
    public async Task LostChoicesAreALossOfTheStore()
    {
        await using var lab = new FlowLab();
        var forgetful = new ForgetfulStore(lab.Store, CommitStatus.Gap) { LosesChoices = true };
        Supervisor service = lab.Join(store: forgetful);
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(work, static async (IO<int> x, TimeProvider time) =>
        {
            await x.FirstAsync();
            return time.GetUtcNow().Year;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, forgetful.Generation);
        Assert.Contains(lab.Warnings, static text => text.Contains("The store has lost choices of the processor work",
            StringComparison.Ordinal));
    }

    /// <summary>A store that refuses, from some time on, each commit of the owner who comes first.</summary>
    private sealed class ForgetfulStore(IStreamStore inner, CommitStatus answer) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly Lock sync = new();
        private Ownership? forgotten;
        private bool forgets;

        /// <summary>Whether the next append of choices is refused.</summary>
        public bool LosesChoices { get; set; }

        public void Forget()
        {
            lock (sync) forgets = true;
        }

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => IsForgotten(commit.Owner) ? new(answer, "as the test wants") : await base.CommitAsync(commit, cancellation);

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            if (!LosesChoices || !request.Stream.StartsWith("flow-choices/", StringComparison.Ordinal))
                return base.AppendAsync(request, cancellation);
            LosesChoices = false;
            return new(new AppendResult(AppendStatus.Gap, 0, null));
        }

        private bool IsForgotten(Ownership owner)
        {
            lock (sync)
            {
                if (forgets && owner.Group.Stream.StartsWith("work/", StringComparison.Ordinal)) (forgotten, forgets) = (owner, false);
                return owner == forgotten;
            }
        }
    }
}

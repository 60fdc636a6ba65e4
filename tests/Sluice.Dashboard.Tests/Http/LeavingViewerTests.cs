using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>A viewer closes the page while an action works: the action goes on, and the audit says what came of it.</summary>
public sealed class LeavingViewerTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly TaskCompletionSource isInside = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource mayEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<HttpContext> answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Theory]
    [InlineData(false, "1 discarded")]
    [InlineData(true, "failed: The disk is gone.")]
    public async Task TheOutcomeOfAnActionIsNotedAlsoIfItsViewerHasLeft(bool fails, string outcome)
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new SlowDiscard(store, isInside, mayEnd.Task) }
        }, use: Watch);
        using Viewer viewer = program.NewViewer(), other = program.NewViewer();
        string token = await viewer.TokenAsync("/consecutors/orders/dead");
        Task<Answer> discard = viewer.PostRawAsync("/consecutors/orders/discard", [("last", "1"), ("form-token", token)]);
        await isInside.Task.WaitAsync(Cancellation);
        viewer.Client.CancelPendingRequests();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => discard);
        await EndedAsync(await answered.Task.WaitAsync(Cancellation));
        if (fails) mayEnd.SetException(new StreamStoreException("The disk is gone."));
        else mayEnd.SetResult();
        string audit = "";
        while (!audit.Contains(outcome, StringComparison.Ordinal))
        {
            Cancellation.ThrowIfCancellationRequested();
            audit = (await other.GetAsync("/audit")).Text;
        }
        Assert.Contains($">{outcome}<", audit, StringComparison.Ordinal);
        Assert.Equal(2, audit.Split("<td>somebody at 127.0.0.1</td>").Length - 1);
    }

    [Fact]
    public async Task TheSearchForAQuestionEndsWithItsViewer()
    {
        await new Letters(store).AddAsync("one");
        var endless = new EndlessStore(store);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = endless }
        });
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync("/consecutors/orders/dead");
        endless.IsEndless = true;
        Task<Answer> asked = viewer.PostRawAsync("/consecutors/orders/discard", [("form-token", token)]);
        await endless.IsInside.Task.WaitAsync(Cancellation);
        viewer.Client.CancelPendingRequests();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await endless.IsGivenUp.Task.WaitAsync(Cancellation);
    }

    // Notes the end of the form's request.
    private void Watch(WebApplication app) => app.Use(async (context, next) =>
    {
        try
        {
            await next(context);
        }
        finally
        {
            if (HttpMethods.IsPost(context.Request.Method)) answered.SetResult(context);
        }
    });

    // The server takes the request's data away soon after its answer.
    private static async Task EndedAsync(HttpContext context)
    {
        while (true)
        {
            try
            {
                _ = context.Features;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class SlowDiscard(IStreamStore inner, TaskCompletionSource isInside, Task until)
        : StreamStoreWrapper(inner, leaveOpen: true)
    {
        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name == nameof(DeleteDeadAsync))
            {
                isInside.SetResult();
                await until;
            }
            return await call();
        }
    }

    /// <summary>A list of dead letters takes until it is given up.</summary>
    private sealed class EndlessStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile bool IsEndless;

        public TaskCompletionSource IsInside { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource IsGivenUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
        {
            if (!IsEndless) return await base.ListDeadAsync(group, node, after, max, cancellation);
            using CancellationTokenRegistration given = cancellation.Register(IsGivenUp.SetResult);
            IsInside.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return [];
        }
    }
}

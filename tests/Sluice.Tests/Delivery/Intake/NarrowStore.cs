using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A store whose stream has room for a group whenever it is asked: others take the rest.</summary>
internal sealed class NarrowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    public const string Failure = "The process dies, as the test wants.";

    private const int Group = 16;                    // a part is never divided below

    private bool isFirst = true;
    private volatile int left;

    /// <summary>The number of appends that find room.</summary>
    public int Left { get => left; init => left = value; }

    public bool FailsThen { get; init; }

    /// <summary>How often it is full before anything else.</summary>
    public int Refusals { get; set; }

    /// <summary>The number of items that it has room for, whenever it is asked.</summary>
    public int Room { get; init; } = Group;

    /// <summary>The number of items of each append that found room.</summary>
    public List<int> Sizes { get; } = [];

    public bool EndsThen { get; init; }

    /// <summary>Ends the second append's wait.</summary>
    public Task Begun { get; init; } = Task.CompletedTask;

    /// <summary>How many appends of several items the store has no number for: it has lost writes.</summary>
    public int Gaps { get; set; }

    /// <summary>Called before each append.</summary>
    public Action? Appending { get; init; }

    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        Appending?.Invoke();
        if (request.Entries.Count == 0) return await base.AppendAsync(request, cancellation);
        for (int i = 0; i < 1_000 && isFirst; i++) await Task.Yield();           // the next append shall have many items
        if (!isFirst) await Begun;
        isFirst = false;
        if (request.Entries.Count > 1 && Gaps-- > 0) return new(AppendStatus.Gap, request.Sequence - 1, null);
        if (left == 0 && FailsThen) throw new StreamStoreException(Failure);
        if (left == 0 && EndsThen) return new(AppendStatus.Ended, request.Sequence - 1, null);
        if (Refusals-- > 0 || left == 0 || request.Entries.Count > Room) return new(AppendStatus.Full, request.Sequence - 1, null);
        left--;
        Sizes.Add(request.Entries.Count);
        return await base.AppendAsync(request, cancellation);
    }

    public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        => base.WaitForChangeAsync(stream, left > 0 ? -1 : after, cancellation);
}

using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Producers;

/// <summary>A store in which a producer stores a position that an earlier version has made.</summary>
internal sealed class EarlierPosition(IStreamStore inner, ProducerPosition position) : StreamStoreWrapper(inner, leaveOpen: true)
{
    public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        => base.AppendAsync(request.Position is null ? request : request with { Position = position.ToBytes() }, cancellation);
}

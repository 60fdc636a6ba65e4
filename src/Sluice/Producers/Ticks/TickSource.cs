using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

internal sealed class TickSource<T>(TickProducer<T> producer, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => producer.Kind;

    private protected override string? Hint => producer.Name;

    private protected override bool NeedsTickets => true;

    private protected override Source<T> With(StageOptions annotated) => new TickSource<T>(producer, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new TickPump<T>(context, next, producer);
}

using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>A source that is nothing but its pump.</summary>
internal sealed class PumpSource<T>(Func<StageContext, Inlet<T>, SourcePump<T>> pump, StageOptions options) : LeafSource<T>(options)
{
    public PumpSource(Func<StageContext, Inlet<T>, SourcePump<T>> pump) : this(pump, StageOptions.Default) { }

    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new PumpSource<T>(pump, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => pump(context, next);
}

using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

/// <summary>A source whose pump is an <see cref="IResumablePump"/>.</summary>
internal sealed class ResumableSource<T>(string name, Func<StageContext, Inlet<T>, SourcePump<T>> pump, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "resumable";

    private protected override string? Hint => name;

    private protected override bool NeedsTickets => true;

    private protected override Source<T> With(StageOptions annotated) => new ResumableSource<T>(name, pump, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => pump(context, next);
}

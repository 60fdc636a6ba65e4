using Sluice.Engine;
using Sluice.Pipelines;

namespace Sluice.Tests.RandomGraphs;

/// <summary>The fault that a saboteur applies to every eighth item.</summary>
internal enum Sabotage
{
    None,
    Drops,
    Repeats,
    Overtakes,
    NeverSettles,
    Hangs,
}

/// <summary>An injected engine fault. It sits between two stages without being a node, so only its effects can reveal it.</summary>
internal sealed class SabotagedSource(Source<long> upstream, Sabotage sabotage) : Source<long>
{
    internal override bool CrossesThreads => upstream.CrossesThreads;

    internal override Source<long> Rewrite(Rewriter rewriter) => new SabotagedSource(upstream.Rewrite(rewriter), sabotage);

    internal override void Build(RunBuilder builder, Inlet<long> next) => upstream.Build(builder, new Saboteur(next, sabotage));
}

internal sealed class Saboteur : Inlet<long>, IUpstream
{
    private const int Every = 8;

    private readonly Inlet<long> next;
    private readonly Sabotage sabotage;
    private (long Item, Ticket? Ticket)? kept;
    private int count;

    public Saboteur(Inlet<long> next, Sabotage sabotage)
    {
        (this.next, this.sabotage, Node) = (next, sabotage, next.Node);
        next.Attach(this);
    }

    public void Stop() => Upstream?.Stop();

    public override void Flush() => next.Flush();

    public override async ValueTask PushAsync(long item, Ticket? ticket)
    {
        bool isVictim = ++count % Every == 0;
        switch (sabotage)
        {
            case Sabotage.Drops when isVictim:
                ticket?.Settle(Outcome.Completed);
                return;
            case Sabotage.Repeats when isVictim:
                await next.PushAsync(item, null);
                break;
            case Sabotage.Overtakes when isVictim:
                kept = (item, ticket);
                return;
            case Sabotage.NeverSettles when isVictim:
                ticket?.Add(1);
                break;
            case Sabotage.Hangs when isVictim:
                await new TaskCompletionSource().Task;
                break;
        }
        await next.PushAsync(item, ticket);
        await PushKeptAsync();
    }

    protected override async ValueTask OnCompleteAsync()
    {
        await PushKeptAsync();
        await next.CompleteAsync();
    }

    private async ValueTask PushKeptAsync()
    {
        if (kept is not { } late) return;
        kept = null;
        await next.PushAsync(late.Item, late.Ticket);
    }
}

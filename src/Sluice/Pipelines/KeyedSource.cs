namespace Sluice.Pipelines;

/// <summary>A source whose next stage runs in lanes by key. It is no stage itself: the next stage builds its lanes with
/// <c>BuildLanes</c>.</summary>
internal sealed class KeyedSource<T>(Source<T> upstream, KeyedLanes<T> keyed) : Source<T>
{
    internal override bool CrossesThreads => true;

    internal Source<T> Upstream => upstream;

    internal int Lanes => keyed.Lanes;

    /// <summary>The reason why no state can be kept by the keys; null if it can.</summary>
    internal string? WhyNoState => keyed.WhyNoText;

    internal override Source<T> Drawn => upstream;

    private protected override string Cannot => "Stage.KeyBy stands before the stage it is about; annotate that stage, behind it";

    internal override void Build(RunBuilder builder, Inlet<T> next) => throw new InvalidOperationException(
        "Stage.KeyBy stands before the stage that is to run in lanes, and there is none behind it. A branch or a merge is not a stage.");

    internal override Source<T> Rewrite(Rewriter rewriter) => new KeyedSource<T>(upstream.Rewrite(rewriter), keyed);

    /// <summary>Builds an instance of the stage for each lane, and the router that distributes the items by key.</summary>
    internal void BuildLanes<TOut>(RunBuilder builder, int node, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<T>> instance,
        bool isTimed, bool isByKey, bool isByText, bool countsOpenTime)
    {
        var lanes = new Inlet<T>[keyed.Lanes];
        FanIn? merge = null;
        if (next is not Terminal && keyed.Lanes > 1 && (builder.IsMultiThread || isTimed)) merge = new FanIn(builder, next.Node);
        next.ShareAmong(keyed.Lanes);
        // A stored timer knows the text of its key and no item, so the text must choose the lane.
        Func<T, int> hash = isByText ? item => KeyedLanes<T>.HashOf(keyed.Text(item)) : keyed.Hash;
        // A lane that is alone notes itself what it waits for.
        LaneWaits? waits = countsOpenTime && lanes.Length > 1 ? new(builder.Run, haveRings: builder.IsMultiThread) : null;
        for (int i = 0; i < lanes.Length; i++)
        {
            int lane = i;
            Inlet<TOut> outlet = merge?.AddInput(next) ?? next;
            if (merge is not null) outlet.ComesFrom(node);
            StageContext own = builder.Context(node);
            own.KeyOf = keyed.Text;
            own.LaneWaits = waits;
            if (isByText) own.OwnsKey = key => KeyRouter<T>.LaneOf(KeyedLanes<T>.HashOf(key), lanes.Length) == lane;
            lanes[i] = isByKey ? keyed.ByKey(own, outlet, instance, isTimed) : instance(own, outlet);
            if (builder.IsMultiThread) lanes[i] = builder.Boundary(lanes[i], builder.Run.Options.MaxBufferedItems);
        }
        var context = new StageContext(builder.Run, node);           // counts nothing: the lanes do
        var router = new KeyRouter<T>(context, hash, lanes, waits);
        builder.Enter(node, router);
        upstream.Build(builder, router);
    }
}

using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Processes;

/// <summary>The body that worker processes run, their program, and the serializers of items and results.</summary>
internal sealed class ProcessDefinition<TIn, TOut>(string body, ProcessOptions options, StageProgram program)
{
    public string Body => body;

    public ProcessOptions Options => options;

    public StageProgram Program => program;

    public IPayloadSerializer<TIn> Items { get; } = options.Serializers.For<TIn>();

    public IPayloadSerializer<TOut> Results { get; } = options.Serializers.For<TOut>();
}

/// <summary>A source whose items go through worker processes.</summary>
internal sealed class ProcessSource<TIn, TOut>(Source<TIn> upstream, ProcessDefinition<TIn, TOut> definition, StageOptions options)
    : Source<TOut>
{
    internal override bool CrossesThreads => true;

    internal override bool IsUnordered => upstream.IsUnordered || !options.Ordered;

    internal override Source<TOut> Annotate(StagePolicy annotation)
    {
        StageOptions annotated = annotation.Apply(options,
            new StageTraits(definition.Program.Kind, null, IsAsynchronous: true, IsSink: false, Input: typeof(TIn)));
        if (definition.Program.Workers is null && annotated.Parallel > ProcessOptions.MaxWorkers)
            throw Refused($"a stage has {ProcessOptions.MaxWorkers} processes at most");
        if (definition.Program.Workers is not null && annotated.Parallel > 1)
            throw Refused("ProcessOptions.Workers says how many items are worked on at once, and the stages of the body may be parallel");
        if (annotated.Bisects) throw Refused("the list is in another process. Annotate the stage of the body");
        return new ProcessSource<TIn, TOut>(upstream, definition, annotated);

        InvalidOperationException Refused(string why) => new($"{annotation} does not fit here: {why}.");
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
        => rewriter.Rewrite(upstream, before => new ProcessSource<TIn, TOut>(before, definition, options));

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        int node = builder.AddNode(new NodeRecord(definition.Program.Kind, options, null, definition.Body, typeof(TIn), typeof(TOut))
        {
            LanesBy = definition.Program.Workers is null ? LaneSetting.Parallel : LaneSetting.Workers,
        });
        builder.Connect(node, next);
        if (builder.IsDrawing)
        {
            upstream.Build(builder, builder.Drawn<TIn>(node));
            return;
        }
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        StageContext context = builder.Context(node);
        if (options.Log is { } log) next = new LogOutput<TOut>(context, next, log);
        next = builder.Isolated(next);
        var output = new ProcessOutput<TIn, TOut>(context, options, next);
        var pool = new WorkerPool<TIn, TOut>(builder.Run, node, definition, options, output);
        Inlet<TIn> inlet = new ProcessStage<TIn, TOut>(builder, context, pool, output, next);
        if (options.Log is { } logInput) inlet = new LogInput<TIn>(context, inlet, logInput);
        builder.Enter(node, inlet);
        upstream.Build(builder, inlet);
    }
}
